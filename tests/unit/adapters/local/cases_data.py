"""Cases for rules about deserialisation, secrets and files."""

from __future__ import annotations

from tests.unit.adapters.local.rule_cases import Case

CASES = (
    Case(
        "ORC-PY-201",
        bad="""
        import pickle
        import shelve
        from marshal import loads as unmarshal
        import torch

        class Store:
            def read(self, stream, data, connection):
                pickle.load(stream)  # medium/high
                unmarshal(data)  # medium/high
                shelve.open("cache")  # medium/high
                torch.load(stream)  # medium/high
                return pickle.loads(connection.recv(1024))  # high/high
        """,
        good="""
        import json
        import pickle
        import torch

        def read(value, stream, library):
            json.loads(value)
            library.loads(value)
            torch.load(stream, weights_only=True)
            pickle.dumps(value)
            return pickle.loads(pickle.dumps(value))
        """,
    ),
    Case(
        "ORC-PY-202",
        bad="""
        import yaml
        from yaml import UnsafeLoader, load

        def read(stream):
            yaml.load(stream)  # high/medium
            yaml.load(stream, Loader=yaml.Loader)  # high/high
            load(stream, UnsafeLoader)  # high/high
            yaml.unsafe_load(stream)  # high/high
            yaml.full_load(stream)  # medium/high
            yaml.load(stream, yaml.FullLoader)  # medium/high
            yaml.load("a: 1")  # medium/medium

        def load_settings(stream, Loader=UnsafeLoader):  # high/medium
            return Loader(stream)
        """,
        good="""
        import yaml
        from yaml import CSafeLoader

        def read(stream, options, loader):
            yaml.safe_load(stream)
            yaml.load(stream, Loader=CSafeLoader)
            yaml.load(stream, yaml.SafeLoader)
            loader.load(stream)
            return yaml.load(stream, **options)

        def load_settings(stream, Loader=CSafeLoader):
            return Loader(stream)
        """,
    ),
    Case(
        "ORC-PY-203",
        bad="""
        import shutil
        import tarfile

        def unpack(name, archive_tar):
            with tarfile.open(name) as archive:
                archive.extractall("out")  # medium/high
            archive_tar.extractall()  # medium/medium
            tarfile.open(name).extractall(filter="fully_trusted")  # medium/high
            shutil.unpack_archive(name)  # low/medium
        """,
        good="""
        import tarfile
        import zipfile

        def unpack(name, checked, document):
            with tarfile.open(name) as archive:
                archive.extractall("out", filter="data")
            with tarfile.open(name) as other:
                other.extractall(members=checked)
            zipfile.ZipFile(name).extractall("out")
            document.extract("title")
        """,
    ),
    Case(
        "ORC-PY-204",
        bad="""
        from lxml import etree
        from xml.sax import handler, make_parser

        def read(stream):
            etree.XMLParser(resolve_entities=True)  # high/high
            etree.XMLParser(no_network=False)  # high/high
            etree.parse(stream)  # low/low
            parser = make_parser()
            parser.setFeature(handler.feature_external_ges, True)  # high/high
        """,
        good="""
        from lxml import etree
        from xml.sax import handler, make_parser

        def read(stream):
            safe = etree.XMLParser(resolve_entities=False)
            etree.parse(stream, safe)
            etree.fromstring("<a/>")
            make_parser().setFeature(handler.feature_external_ges, False)
        """,
    ),
    Case(
        "ORC-PY-205",
        bad="""
        import xml.etree.ElementTree as ET
        from xml.dom import minidom

        def read(stream, text):
            ET.parse(stream)  # low/low
            minidom.parseString(text)  # low/low
        """,
        good="""
        import xml.etree.ElementTree as ET
        from defusedxml import ElementTree

        def read(stream):
            ElementTree.parse(stream)
            ET.fromstring("<a/>")
            return ET.tostring(stream)
        """,
    ),
    Case(
        "ORC-PY-501",
        bad="""
        SECRET_KEY = "development key"  # medium/low
        settings = {"db_password": "tr0ub4dor&3"}  # medium/medium

        class Client:
            api_key: str = "9f8e7d6c5b4a"  # medium/medium

            def connect(self, password="s3cr3t!x"):  # medium/medium
                self.auth_token = "d41d8cd98f00b204"  # medium/medium
                open_it(user="me", passwd="qwerty12")  # medium/medium
                return password == "letmein99"  # medium/medium
        """,
        good="""
        import os

        PASSWORD_FIELD = "user-password-1"
        PASSWORD = ""
        password = "password"
        SECRET_KEY = os.environ["SECRET_KEY"]
        TOKEN = "<your token>"
        api_key = "xxxxxxxxxxxx"
        token_type = "bearer2"
        token_url = "https://example.org/token"
        password_prompt = "Enter the 1st password"
        next_token = "x9-not-a-secret"
        secret_pattern = "[a-z0-9]{8}"
        token = "string"
        SECRET = r"(?:secret|token)[0-9]+"
        """,
    ),
    Case(
        "ORC-PY-502",
        bad="""
        def connect(client):
            client.open("AKIAQ7XN3M5T2PLWV4RC")  # high/high
            header = "token ghp_" "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"  # high/high
            return header
        """,
        good="""
        EXAMPLE = "AKIAIOSFODNN7EXAMPLE"
        SHORT = "ghp_short"
        PREFIXES = ("AKIA", "xoxb-", "sk_live_")
        HEADER = "-----BEGIN PRIVATE KEY-----"
        """,
    ),
    Case(
        "ORC-PY-503",
        bad="""
        import logging

        logger = logging.getLogger(__name__)

        def login(user, password, session):
            logger.info("login %s %s", user, password)  # medium/medium
            logging.debug(f"token is {session.auth_token}")  # medium/medium
            logger.warning("got " + user.api_key)  # medium/medium
            print(password)  # low/low
        """,
        good="""
        import logging

        logger = logging.getLogger(__name__)

        def login(user, password, blog):
            logger.info("login of %s", user)
            logger.info("password has %d characters", len(password))
            logger.info("password was wrong")
            logger.debug("at %s", password_file)
            blog.info(password)
        """,
    ),
    Case(
        "ORC-PY-601",
        bad="""
        import tempfile
        from tempfile import mktemp

        def scratch():
            first = tempfile.mktemp()  # medium/high
            return first, mktemp(".txt")  # medium/high
        """,
        good="""
        import tempfile

        def scratch(tools):
            tools.mktemp()
            return tempfile.mkstemp(), tempfile.NamedTemporaryFile()
        """,
    ),
    Case(
        "ORC-PY-602",
        bad="""
        import os
        import stat
        from pathlib import Path

        def open_up(path):
            os.chmod(path, 0o777)  # medium/high
            os.chmod(path, stat.S_IRUSR | stat.S_IWOTH)  # medium/high
            Path(path).chmod(0o666)  # medium/high
            os.umask(0)  # medium/high
        """,
        good="""
        import os
        import stat
        from pathlib import Path

        def close(path, mode):
            os.chmod(path, 0o644)
            os.chmod(path, stat.S_IRUSR | stat.S_IWUSR)
            os.chmod(path, mode)
            Path(path).chmod(0o755)
            mask = os.umask(0)
            os.umask(mask)
        """,
    ),
    Case(
        "ORC-PY-603",
        bad="""
        import os
        from flask import request, send_file

        def download(base, user_file):
            open(os.path.join(base, user_file))  # low/low
            name = request.args["name"]
            open("uploads/" + name)  # high/medium
            os.remove(f"{base}/{user_file}")  # low/low
            return send_file(request.args["path"])  # high/medium
        """,
        good="""
        import os

        def read(base, name):
            open(os.path.join(base, "users.txt"))
            open(os.path.join(base, name))
            return open(base)
        """,
    ),
)
