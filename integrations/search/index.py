"""The search index, maintained by the database itself so that every write is covered.

PostgreSQL: a generated column `search` on messages and on contacts, with a GIN index. SQLite: two FTS5 tables with
triggers. Both contain the account, so that a search stays within it. If a migration makes Django rebuild one of these
tables on SQLite (most column changes do), its triggers are dropped: call `install` at the end of that migration.
"""

from .words import MARKS, PLAIN, SPELLED, UNSPACED

LONGEST = 20_000  # maximum indexed characters of a text

# --- PostgreSQL ------------------------------------------------------------------------------------------------------

_PUNCTUATION = "".join(f"\\x{code:02x}" for code in range(1, 128) if not chr(code).isalnum())
# Databases with the collation C only convert ASCII to lower case.
_UPPER = "".join(chr(code) for code in (*range(0x391, 0x3A2), *range(0x3A3, 0x3AA), *range(0x400, 0x430)))
_SINGLE = {upper: upper.lower() for upper in _UPPER} | {a: b for a, b in SPELLED.items() if len(b) == 1}
_DOUBLE = {a: b for a, b in SPELLED.items() if len(b) > 1}
# Emoji, arrows, symbols, and punctuation outside ASCII.
_SIGNS = "\u00a0-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2000-\u206f\u2190-\u2bff\u3000-\u3004\u3008-\u3020"
_SIGNS += "\ufe00-\ufe0f\ufe30-\ufe4f\U0001f000-\U0001faff"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _postgresql() -> list[str]:
    blanks = f"translate({{}}, E'{_PUNCTUATION}', repeat(' ', 128))"
    spelled = f"normalize(left(said, {LONGEST}), NFKD)"
    spelled = f"regexp_replace({spelled}, {_quoted(f'[{MARKS}]')}, '', 'g')"
    for one, two in _DOUBLE.items():
        spelled = f"replace({spelled}, {_quoted(one)}, {_quoted(two)})"
    spelled = f"translate({spelled}, {_quoted(''.join(_SINGLE))}, {_quoted(''.join(_SINGLE.values()))})"
    spelled = f"regexp_replace({blanks.format(f'lower({spelled})')}, {_quoted(f'[{_SIGNS}]')}, ' ', 'g')"
    spelled = f"regexp_replace({spelled}, {_quoted(f'([{UNSPACED}])')}, ' \\1 ', 'g')"
    plain = blanks.format(f"lower(left(said, {LONGEST}))")
    return [
        # Normalizes both texts and search terms: folded, with words separated by spaces.
        "CREATE OR REPLACE FUNCTION integrations_search_text(said text) RETURNS text "
        "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ "
        f"SELECT CASE WHEN octet_length(said) = char_length(said) THEN {plain} ELSE {spelled} END $$",
        # All suffixes of a phone number, because any part of the number is a prefix of one of them.
        "CREATE OR REPLACE FUNCTION integrations_search_phone(phone text) RETURNS text "
        "LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ "
        "SELECT coalesce(string_agg(substr(digits, place), ' '), '') "
        "FROM (SELECT regexp_replace(phone, '[^0-9]', '', 'g') AS digits) AS d, "
        "generate_series(1, length(digits) - 2) AS place $$",
        "ALTER TABLE integrations_message ADD COLUMN search tsvector GENERATED ALWAYS AS "
        "(CASE WHEN text = '' THEN NULL ELSE "
        "to_tsvector('pg_catalog.simple'::regconfig, integrations_search_text(text)) "
        "|| array_to_tsvector(ARRAY['@' || account_id::text]) END) STORED",
        "ALTER TABLE integrations_contact ADD COLUMN search tsvector GENERATED ALWAYS AS "
        "(to_tsvector('pg_catalog.simple'::regconfig, integrations_search_text("
        "first_name || ' ' || last_name || ' ' || full_name || ' ' || email) || ' ' "
        "|| integrations_search_phone(phone))) STORED",
        "CREATE INDEX integrations_message_search ON integrations_message USING gin (search) "
        "WITH (gin_pending_list_limit = 1024)",
        "CREATE INDEX integrations_contact_search ON integrations_contact USING gin (search) "
        "WITH (gin_pending_list_limit = 256)",
    ]


_POSTGRESQL_AWAY = [
    "ALTER TABLE integrations_message DROP COLUMN IF EXISTS search",
    "ALTER TABLE integrations_contact DROP COLUMN IF EXISTS search",
    "DROP FUNCTION IF EXISTS integrations_search_text(text)",
    "DROP FUNCTION IF EXISTS integrations_search_phone(text)",
]

# --- SQLite ----------------------------------------------------------------------------------------------------------


def _apart(text: str) -> str:
    """SQL for `words.apart`. Only texts that need it are processed character by character."""
    spelled = text
    for one, other in SPELLED.items():
        spelled = f"replace({spelled}, {_quoted(one)}, {_quoted(other)})"
    plain = " ".join(f"WHEN {_quoted(one)} THEN {_quoted(other)}" for one, other in PLAIN.items())
    spread = (
        f"(WITH RECURSIVE chars(rest) AS (SELECT substr({spelled}, 1, {LONGEST}) "  # noqa: S608 - our own columns
        "UNION ALL SELECT substr(rest, 2) FROM chars WHERE length(rest) > 1) "
        f"SELECT group_concat(CASE substr(rest, 1, 1) {plain} ELSE CASE WHEN substr(rest, 1, 1) GLOB '[{UNSPACED}]' "
        "THEN ' ' || substr(rest, 1, 1) || ' ' ELSE substr(rest, 1, 1) END END, '') FROM chars)"
    )
    return (
        f"CASE WHEN {text} NOT GLOB '*[^\x01-\x7f]*' THEN {text} "
        f"WHEN {text} GLOB '*[{UNSPACED}{''.join(PLAIN)}]*' THEN {spread} ELSE {spelled} END"
    )


def _message_of(row: str) -> str:
    return f"{row}id, {_apart(f'{row}text')}, {row}account_id"


def _contact_of(row: str) -> str:
    name = " || ' ' || ".join(f"{row}{field}" for field in ("first_name", "last_name", "full_name", "email"))
    digits = f"{row}phone"
    for char in "+-(). ":
        digits = f"replace({digits}, '{char}', '')"
    ends = " || ' ' || ".join(f"substr({digits}, {place})" for place in range(1, 14))
    return f"{row}id, {_apart(f'({name})')}, {ends}"


_INDEXED = {
    "message": ("text, account", _message_of, "text, account_id", "{row}text <> ''"),
    "contact": ("name, phone", _contact_of, "first_name, last_name, full_name, email, phone", "{row}id > 0"),
}


def _sqlite() -> list[str]:
    statements = []
    for name, (columns, of, fields, worth) in _INDEXED.items():
        table, index = f"integrations_{name}", f"integrations_{name}_search"
        put = f"INSERT INTO {index}(rowid, {columns}) "
        take = f"INSERT INTO {index}({index}, rowid, {columns}) "
        differs = " OR ".join(f"old.{field} IS NOT new.{field}" for field in fields.split(", "))
        added, gone = (
            f"{put} SELECT {of('new.')} WHERE {worth.format(row='new.')};",
            (f"{take} SELECT 'delete', {of('old.')} WHERE {worth.format(row='old.')};"),
        )
        statements += [
            # Contentless: texts are stored only in their own table.
            f"CREATE VIRTUAL TABLE {index} USING fts5({columns}, content='', columnsize=0, "
            "tokenize='unicode61 remove_diacritics 2')",
            f"{put} SELECT {of('')} FROM {table} WHERE {worth.format(row='')} ORDER BY id",  # noqa: S608
            f"CREATE TRIGGER {index}_added AFTER INSERT ON {table} BEGIN {added} END",
            f"CREATE TRIGGER {index}_gone AFTER DELETE ON {table} BEGIN {gone} END",
            f"CREATE TRIGGER {index}_changed AFTER UPDATE OF {fields} ON {table} WHEN {differs} "
            f"BEGIN {gone} {added} END",
        ]
    return statements


def _sqlite_away() -> list[str]:
    triggers = [f"{name}_search_{what}" for name in _INDEXED for what in ("added", "gone", "changed")]
    return [
        *[f"DROP TRIGGER IF EXISTS integrations_{trigger}" for trigger in triggers],
        *[f"DROP TABLE IF EXISTS integrations_{name}_search" for name in _INDEXED],
    ]


# --- Both ------------------------------------------------------------------------------------------------------------


def install(connection) -> None:
    """Rebuild the index from the tables, using little memory."""
    remove(connection)
    _run(connection, _postgresql() if connection.vendor == "postgresql" else _sqlite())


def remove(connection) -> None:
    """Remove the index; texts and contacts stay."""
    _run(connection, _POSTGRESQL_AWAY if connection.vendor == "postgresql" else _sqlite_away())


def _run(connection, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
