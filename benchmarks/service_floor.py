"""The floor of benchmarks/service.py: a bare FastAPI service. Run: python -m benchmarks.service_floor URL PORT"""

import random
import sqlite3
import sys
import threading
import time
from typing import Any

import psycopg2
import uvicorn
from fastapi import FastAPI, Response
from pydantic import BaseModel
from sqlalchemy import make_url

from engine.log.locked import APPEND_LOCK

ROW = "x" * 300


class Touch(BaseModel):
    kind: str


def create(url: str) -> FastAPI:
    parsed = make_url(url)
    here = threading.local()

    def sqlite() -> None:
        if not hasattr(here, "connection"):
            here.connection = sqlite3.connect(str(parsed.database), isolation_level=None, timeout=0)
            here.connection.execute("PRAGMA synchronous=FULL")
        begin(here.connection)
        here.connection.execute("INSERT INTO bare (body) VALUES (?)", (ROW,))
        here.connection.execute("COMMIT")

    def postgresql() -> None:
        if not hasattr(here, "connection"):
            here.connection = connected(parsed)
        with here.connection.cursor() as cursor:
            cursor.execute(f"BEGIN; SELECT pg_advisory_xact_lock({APPEND_LOCK})")
            cursor.execute("INSERT INTO bare (body) VALUES (%s); COMMIT", (ROW,))

    if parsed.get_backend_name() == "sqlite":
        with sqlite3.connect(str(parsed.database)) as connection:
            connection.execute("CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, body TEXT)")
        insert = sqlite
    else:
        with connected(parsed).cursor() as cursor:
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text)"
            )
        insert = postgresql
    app = FastAPI()

    @app.post("/floor")
    def floor(touch: Touch) -> Response:
        insert()
        return Response(touch.model_dump_json(), media_type="application/json")

    @app.get("/constant")
    def constant(size: int) -> Response:
        return Response(b"x" * size, media_type="application/json")

    @app.get("/readyz")
    def readyz() -> Response:
        return Response(b"{}")

    return app


def begin(connection: sqlite3.Connection) -> None:
    """As the log waits: SQLite's own waiting starves many writers."""
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(random.uniform(0.0002, 0.002))
        else:
            return


def connected(parsed: Any) -> Any:
    connection = psycopg2.connect(host=parsed.query["host"], user="postgres", dbname=parsed.database)
    connection.autocommit = True
    return connection


if __name__ == "__main__":
    uvicorn.run(create(sys.argv[1]), port=int(sys.argv[2]), log_config=None, access_log=False)
