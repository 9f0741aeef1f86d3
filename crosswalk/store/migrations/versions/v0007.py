"""Find pairs by either record, and records by the one that they live on in."""

from alembic import op

revision = "7"
down_revision = "6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_pair_right", "pair", ["right"])
    op.create_index("ix_survivor_rkey", "survivor", ["rkey"])
