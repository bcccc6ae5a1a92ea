"""Is the database file whole?"""

from __future__ import annotations

import sqlite3

_MOST_PROBLEMS = 100


def problems(db: sqlite3.Connection, *, thorough: bool = False) -> list[str]:
    """What SQLite finds wrong with the file; empty when it is whole.

    `thorough` also compares each index with its table and looks for broken references.
    """
    pragma = "integrity_check" if thorough else "quick_check"
    try:
        found = [row[0] for row in db.execute(f"PRAGMA {pragma}({_MOST_PROBLEMS})")]
        if thorough:
            broken = db.execute("PRAGMA foreign_key_check").fetchall()
            found += [f"row {row[1]} of {row[0]} refers to nothing" for row in broken]
    except sqlite3.DatabaseError as problem:
        return [str(problem)]
    return [] if found == ["ok"] else [text for text in found if text != "ok"]
