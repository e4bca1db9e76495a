"""Which dependency stands for which framework, by ecosystem. Data only."""

from __future__ import annotations

#: Distribution (PEP 503 name) -> framework.
PYTHON = {
    "django": "django",
    "djangorestframework": "django-rest-framework",
    "flask": "flask",
    "fastapi": "fastapi",
    "starlette": "starlette",
    "aiohttp": "aiohttp",
    "tornado": "tornado",
    "pyramid": "pyramid",
    "sqlalchemy": "sqlalchemy",
    "celery": "celery",
    "pydantic": "pydantic",
    "click": "click",
    "typer": "typer",
    "pytest": "pytest",
    "hypothesis": "hypothesis",
}
#: npm package -> framework.
NODE = {
    "react": "react",
    "next": "next",
    "vue": "vue",
    "nuxt": "nuxt",
    "svelte": "svelte",
    "@sveltejs/kit": "sveltekit",
    "@angular/core": "angular",
    "express": "express",
    "fastify": "fastify",
    "@nestjs/core": "nestjs",
    "koa": "koa",
    "jest": "jest",
    "vitest": "vitest",
    "mocha": "mocha",
}
#: Go module -> framework; a major version behind it does not matter.
GO = {
    "github.com/gin-gonic/gin": "gin",
    "github.com/labstack/echo": "echo",
    "github.com/gofiber/fiber": "fiber",
    "github.com/go-chi/chi": "chi",
    "google.golang.org/grpc": "grpc",
    "gorm.io/gorm": "gorm",
    "github.com/spf13/cobra": "cobra",
    "github.com/stretchr/testify": "testify",
}
#: Crate -> framework.
RUST = {
    "axum": "axum",
    "actix-web": "actix",
    "rocket": "rocket",
    "warp": "warp",
    "tokio": "tokio",
    "serde": "serde",
    "sqlx": "sqlx",
    "diesel": "diesel",
    "clap": "clap",
    "proptest": "proptest",
}
#: Maven group, also with more behind a dot -> framework; the longest that fits counts.
JAVA = {
    "org.springframework.boot": "spring-boot",
    "org.springframework": "spring",
    "io.quarkus": "quarkus",
    "io.micronaut": "micronaut",
    "jakarta.platform": "jakarta",
    "org.hibernate": "hibernate",
    "org.junit.jupiter": "junit5",
    "junit": "junit4",
    "org.mockito": "mockito",
    "org.assertj": "assertj",
}
