"""`python -m tests.checklist` writes docs/checklist.md."""

from tests.checklist.document import DOCUMENT, ROOT, document, rows

DOCUMENT.write_text(document(ROOT / "tests", rows()), encoding="utf-8")
print(f"wrote {DOCUMENT.relative_to(ROOT)}")
