"""Cases for rules about connections and web settings."""

from __future__ import annotations

from tests.unit.adapters.local.rule_cases import Case

CASES = (
    Case(
        "ORC-PY-401",
        bad="""
        import ssl
        import httpx
        import requests as http
        import urllib3

        class Client:
            def fetch(self, url, conn):
                http.get(url, verify=False)  # high/high
                session = http.Session()
                session.post(url, verify=False)  # high/high
                session.verify = False  # high/high
                self.session.get(url, verify=False)  # high/medium
                httpx.Client(verify=False)  # high/high
                urllib3.PoolManager(cert_reqs="CERT_NONE")  # high/high
                ssl._create_unverified_context()  # high/high
                context = ssl.create_default_context()
                context.check_hostname = False  # high/high
                context.verify_mode = ssl.CERT_NONE  # high/high
                conn.cert_reqs = "CERT_NONE"  # medium/medium

        ssl._create_default_https_context = ssl._create_unverified_context  # high/high
        """,
        good="""
        import ssl
        import requests

        def fetch(url, settings, conn, form):
            requests.get(url, verify="/etc/ca.pem")
            requests.get(url, verify=settings.verify)
            form.save(verify=False)
            context = ssl.create_default_context()
            context.check_hostname = True
            context.verify_mode = ssl.CERT_REQUIRED
            conn.verify = False
        """,
    ),
    Case(
        "ORC-PY-402",
        bad="""
        import paramiko
        from paramiko import WarningPolicy

        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())  # high/high
        client.set_missing_host_key_policy(WarningPolicy)  # high/high
        """,
        good="""
        import paramiko

        client = paramiko.SSHClient()
        client.load_system_host_keys()
        client.set_missing_host_key_policy(paramiko.RejectPolicy())
        """,
    ),
    Case(
        "ORC-PY-403",
        bad="""
        import requests
        from requests import post

        def fetch(url):
            requests.get(url)  # low/high
            with requests.Session() as session:
                session.put(url)  # low/high
            return post(url, timeout=None)  # low/high
        """,
        good="""
        import requests

        def fetch(url, options, client):
            requests.get(url, timeout=5)
            requests.get(url, **options)
            requests.Request("GET", url)
            return client.get(url)
        """,
    ),
    Case(
        "ORC-PY-404",
        bad="""
        import socket
        from http.server import HTTPServer

        HOST = "0.0.0.0"

        def serve(app, handler):
            listener = socket.socket()
            listener.bind(("", 8080))  # medium/medium
            listener.bind((HOST, 8080))  # medium/medium
            HTTPServer(("0.0.0.0", 80), handler)  # medium/medium
            app.run(host="::")  # medium/medium
        """,
        good="""
        import socket
        from http.server import HTTPServer

        def serve(app, handler, host):
            listener = socket.socket()
            listener.bind(("127.0.0.1", 8080))
            listener.bind((host, 8080))
            listener.bind(("", 0))
            listener.bind("/run/app.sock")
            HTTPServer(("localhost", 80), handler)
            app.run(host="127.0.0.1")
        """,
    ),
    Case(
        "ORC-PY-405",
        bad="""
        from flask import Flask

        site = Flask(__name__)

        def main():
            site.run(debug=True)  # high/medium

        if __name__ == "__main__":
            site.run(port=80, debug=True)  # medium/medium
        """,
        good="""
        import asyncio
        from flask import Flask

        site = Flask(__name__)

        def main(settings):
            site.run(debug=settings.debug)
            site.run(debug=False)
            asyncio.run(work(), debug=True)
        """,
    ),
    Case(
        "ORC-PY-405",
        bad="DEBUG = True  # medium/medium",
        good="DEBUG = False\nclass Local:\n    DEBUG = True\n",
        path="site/settings.py",
    ),
    Case(
        "ORC-PY-406",
        bad="""
        import ftplib
        from telnetlib import Telnet

        ftplib.FTP("files.example.org")  # low/high
        Telnet("device")  # low/high
        """,
        good="""
        import ftplib

        ftplib.FTP_TLS("files.example.org")
        """,
    ),
    Case(
        "ORC-PY-407",
        bad="""
        import urllib.request
        from six.moves.urllib.request import urlopen

        def fetch(url):
            urllib.request.urlopen(url)  # low/low
            urlopen(input("address? "))  # medium/medium
        """,
        good="""
        import urllib.request

        def fetch(name, browser):
            urllib.request.urlopen("https://example.org/")
            urllib.request.urlopen("https://example.org/" + name)
            browser.urlopen(name)
        """,
    ),
    Case(
        "ORC-PY-408",
        bad="""
        SESSION_COOKIE_SECURE = False  # low/medium

        def answer(response, value):
            response.set_cookie("session", value, httponly=False)  # low/medium
        """,
        good="""
        SESSION_COOKIE_SECURE = True

        def answer(response, value, jar):
            response.set_cookie("session", value, httponly=True, secure=True)
            jar.set("session", value, secure=False)
        """,
    ),
)
