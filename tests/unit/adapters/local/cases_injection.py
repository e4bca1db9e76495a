"""Cases for rules about data that becomes code."""

from __future__ import annotations

from tests.unit.adapters.local.rule_cases import Case

CASES = (
    Case(
        "ORC-PY-101",
        bad="""
        import asyncio
        import os
        import subprocess as sp
        import sys
        from os import system as run_it
        from config import TOOL

        def show(name, command):
            sp.run(f"ls {name}", shell=True)  # high/high
            sp.Popen(command, shell=True)  # high/medium
            run_it("ls " + name)  # high/high
            os.popen("ls %s" % name)  # high/high
            sp.check_output(TOOL + " --version", shell=True)  # medium/low
            line = "echo {}".format(sys.argv[1])
            sp.call(line, shell=True)  # high/high
            return asyncio.create_subprocess_shell(command)  # high/medium
        """,
        good="""
        import shlex
        import subprocess

        FLAGS = ["-l", "-a"]

        def show(name, system):
            subprocess.run(["ls", name])
            subprocess.run(["ls", name], shell=False)
            subprocess.run("ls " + shlex.quote(name), shell=True)
            subprocess.run("ls -l", shell=True)
            system("ls " + name)
            width = 3
            subprocess.run(f"ls -w {width}", shell=True)
            subprocess.run("ls " + " ".join(FLAGS), shell=True)
        """,
    ),
    Case(
        "ORC-PY-102",
        bad="""
        import os
        import subprocess

        COMMAND = "ls -l"

        def show():
            os.system("clear")  # low/high
            subprocess.run(COMMAND, shell=True)  # low/high
        """,
        good="""
        import os
        import subprocess

        def show(name):
            os.system(name)
            subprocess.run(["ls", "-l"])
            subprocess.run("ls", shell=False)
        """,
    ),
    Case(
        "ORC-PY-103",
        bad="""
        from flask import request
        from pathlib import Path

        def calculate(expression, table):
            eval(expression)  # high/medium
            exec(f"x = {table['x']}")  # high/medium
            eval(request.args["q"])  # high/high
            code = input()
            eval(code)  # high/high
            eval(table.code.lookup())  # high/medium

        def load(stored):
            item = stored.first
            other = item.code
            eval(other)  # medium/medium

        with open("package/_version.py") as stream:
            exec(stream.read())  # low/high
        exec(Path(__file__).parent.joinpath("about.py").read_text())  # low/high
        """,
        good="""
        import ast

        EXPRESSION = "1 + 1"

        def calculate(expression, model):
            ast.literal_eval(expression)
            model.eval()
            eval(EXPRESSION)

        def eval_locally(eval):
            return eval("x")
        """,
    ),
    Case(
        "ORC-PY-104",
        bad="""
        from flask import request
        from config import TABLE
        import sqlalchemy

        def find(cursor, name, table):
            cursor.execute("SELECT * FROM users WHERE name = '%s'" % name)  # high/medium
            cursor.execute(f"DELETE FROM {table}")  # high/medium
            cursor.execute("INSERT INTO log VALUES (" + name + ")")  # high/medium
            query = "UPDATE users SET name = '{}'".format(name)
            cursor.executemany(query, [])  # high/medium
            cursor.execute("SELECT id FROM t WHERE x = " + request.args["x"])  # high/high
            cursor.execute(f"SELECT id FROM {TABLE}")  # medium/low
            sqlalchemy.text(f"SELECT * FROM {table}")  # high/medium
        """,
        good="""
        def find(cursor, name, names, runner):
            cursor.execute("SELECT * FROM users WHERE name = ?", (name,))
            marks = ", ".join("?" for _ in names)
            cursor.execute("SELECT id FROM users WHERE name IN (" + marks + ")", names)
            cursor.execute("SELECT id FROM t WHERE x IN (%s)" % ",".join("?" * len(names)), names)
            columns = "id, name"
            cursor.execute(f"SELECT {columns} FROM users")
            runner.execute("select the " + name + " option")
            runner.execute(name)
            cursor.execute(f"DELETE FROM users WHERE id > {len(names)}")
        """,
    ),
    Case(
        "ORC-PY-105",
        bad="""
        from flask import render_template_string, request
        from jinja2 import Environment, Template

        def page(source):
            Template(source)  # medium/medium
            environment = Environment(autoescape=True)
            environment.from_string(source)  # medium/medium
            return render_template_string("<p>" + request.args["name"])  # high/medium
        """,
        good="""
        from string import Template as Plain
        from flask import render_template, render_template_string

        def page(name):
            Plain(name)
            render_template("page.html", name=name)
            return render_template_string("<p>{{ name }}</p>", name=name)
        """,
    ),
    Case(
        "ORC-PY-106",
        bad="""
        import jinja2

        plain = jinja2.Environment(loader=None)  # low/low
        off = jinja2.Environment(autoescape=False)  # medium/high
        """,
        good="""
        import jinja2

        def build(options):
            jinja2.Environment(autoescape=jinja2.select_autoescape())
            jinja2.Environment(autoescape=True)
            return jinja2.Environment(**options)
        """,
    ),
    Case(
        "ORC-PY-107",
        bad="""
        from django.utils.safestring import mark_safe
        from markupsafe import Markup

        def show(request, comment):
            Markup(comment)  # medium/low
            return mark_safe("<b>" + request.GET["q"] + "</b>")  # high/high
        """,
        good="""
        from markupsafe import Markup

        def show(comment):
            return Markup("<b>{}</b>").format(comment)
        """,
    ),
    Case(
        "ORC-PY-108",
        bad="""
        import importlib
        import sys

        def plugin(name, names):
            importlib.import_module(name)  # low/low
            for each in registry():
                __import__(each)  # info/low
            importlib.import_module(sys.argv[1])  # medium/low
        """,
        good="""
        import importlib

        def plugin():
            return importlib.import_module("package.plugins.default")
        """,
    ),
)
