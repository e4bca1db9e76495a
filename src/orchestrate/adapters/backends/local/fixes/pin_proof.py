"""The security test of a raised pin: reads the declarations and compares versions."""

from __future__ import annotations

from collections.abc import Iterable
from string import Template

from packaging.utils import canonicalize_name

from orchestrate.adapters.backends.local.fixes.item import FixItem
from orchestrate.adapters.backends.local.fixes.proof import case_name, quoted, root_expression

_TEXT = '''\
"""Security test: $package is not pinned below $fixed,
the first version without the flaws that are known of $version.
"""

import pathlib
import re
import unittest

ROOT = $root
PATHS = ($paths)
PACKAGE = $package_text
FIXED = $fixed_text

NAME = "[-_.]+".join(map(re.escape, PACKAGE.split("-")))
REQUIREMENT = re.compile(
    r"(?<![\\w.-])" + NAME + r"\\s*(?:\\[[^\\]]*\\])?\\s*={2,3}\\s*(\\d[\\w.+!-]*)", re.IGNORECASE
)
KEYED = re.compile(
    r"^\\s*[\\"']?" + NAME + r"[\\"']?\\s*=\\s*(?:\\{.*?\\bversion\\s*=\\s*)?"
    r"[\\"']={0,3}\\s*(\\d[\\w.+!-]*)",
    re.IGNORECASE,
)


def release(version):
    """The numbers of a version, without what follows and without zeros at the end."""
    numbers = [int(n) for n in re.match(r"\\d+(?:\\.\\d+)*", version).group().split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers


class $case(unittest.TestCase):
    def test_pin_is_not_vulnerable(self):
        flaws = []
        for path in PATHS:
            lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
            for number, line in enumerate(lines, 1):
                line = re.sub(r"(^|\\s)#.*", "", line)
                pin = REQUIREMENT.search(line) or KEYED.search(line)
                if pin and release(pin.group(1)) < release(FIXED):
                    said = "%s:%d: %s is pinned to %s, which is vulnerable; fixed in %s"
                    flaws.append(said % (path, number, PACKAGE, pin.group(1), FIXED))
        if flaws:
            self.fail("\\n".join(flaws))


if __name__ == "__main__":
    unittest.main()
'''


def pin_test(item: FixItem, paths: Iterable[str]) -> str:
    """The text of the test for a pin raised in `paths`."""
    return Template(_TEXT).substitute(
        package=item.package,
        fixed=item.fixed,
        version=item.version,
        root=root_expression(item.test),
        paths="".join(f"{quoted(path)}, " for path in paths).rstrip(" "),
        package_text=quoted(canonicalize_name(item.package)),
        fixed_text=quoted(item.fixed),
        case=case_name(item),
    )
