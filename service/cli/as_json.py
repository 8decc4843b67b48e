"""What a command tells a machine: one JSON document, moments in UTC and ids as text."""


def print_json(said: object) -> None:
    from datetime import datetime
    from json import dumps

    def written(value: object) -> str:
        return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)

    print(dumps(said, indent=2, ensure_ascii=False, default=written))
