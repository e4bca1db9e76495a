"""Cases for rules about control flow and regular expressions."""

from __future__ import annotations

from tests.unit.adapters.local.rule_cases import Case

CASES = (
    Case(
        "ORC-PY-701",
        bad="""
        def delete(user, item, can_delete):
            assert user.is_admin  # medium/medium
            assert can_delete(item), "not yours"  # medium/medium
        """,
        good="""
        def delete(user, items, password):
            assert items
            assert len(items) > 1
            assert password is not None
            assert isinstance(password, str)
            if not user.is_admin:
                raise PermissionError
        """,
    ),
    Case(
        "ORC-PY-702",
        bad="""
        def accept(token, key):
            try:
                verify_signature(token, key)
            except Exception:  # medium/medium
                pass
            try:
                key.validate(token)
            except:  # medium/medium
                return True
        """,
        good="""
        def accept(token, key):
            try:
                verify_signature(token, key)
            except ValueError:
                pass
            try:
                verify_signature(token, key)
            except Exception:
                return False
            try:
                refresh(token)
            except Exception:
                pass
        """,
    ),
    Case(
        "ORC-PY-703",
        bad="""
        def close(stream):
            try:
                stream.close()
            except Exception:  # low/high
                pass
            for item in stream:
                try:
                    item.stop()
                except (ValueError, BaseException):  # low/high
                    continue
        """,
        good="""
        import logging

        try:
            import fast
        except Exception:
            pass

        def close(stream):
            try:
                stream.close()
            except OSError:
                pass
            try:
                stream.flush()
            except Exception:
                logging.exception("flush")
        """,
    ),
    Case(
        "ORC-PY-704",
        bad="""
        def add(item, items=[]):  # low/high
            items.append(item)

        def remember(key, *, cache={}):  # low/high
            cache[key] = 1

        class Box:
            def __init__(self, parts=list()):  # low/high
                self.parts = parts

        def same(value=[]):  # low/high
            return value
        """,
        good="""
        def add(item, items=()):
            return [*items, item]

        def join(items=[]):
            return ", ".join(items)

        def copy(items=[]):
            items = list(items)
            items.append(1)
            return items

        def new(items=None):
            items = items or []
            items.append(1)
        """,
    ),
    Case(
        "ORC-PY-705",
        bad=r"""
        import re
        from re import compile as pattern

        WORD = r"(?:[a-z]+"
        re.match(r"(a+)+$", text)  # medium/low
        re.search(r"(\w+\s*)*;", text)  # medium/low
        re.fullmatch(r"(.|\s)*x", text)  # medium/low
        pattern(r'"(?:[^"\\]+|\\.)*"')  # medium/low
        re.search(r"(a{1,3})+b", text)  # medium/low
        re.compile(WORD + r"-?)*z")  # medium/low
        re.compile("(a+ )*  # parts\nb", re.VERBOSE)  # medium/low
        """,
        good=r"""
        import re

        re.match(r"(a+b)+$", text)
        re.match(r"(?:\w+\.)*\w+$", text)
        re.match(r"[a-z]+(?:-[a-z]+)*$", text)
        re.match(r"(a|b)*c", text)
        re.match(r"(\w|\d)*c", text)
        re.match(r"(a+)*", text)
        re.match(r"(?>a+)+b", text)
        re.match(r"(a{3})+b", text)
        re.match(r"(a?)+b", text)
        re.match(r"(\w|\d)*c", text)
        re.match(r"(a++)+b", text)
        re.match("(unbalanced", text)
        re.match("(a+ )*b", text)
        re.compile(expression)
        """,
    ),
)
