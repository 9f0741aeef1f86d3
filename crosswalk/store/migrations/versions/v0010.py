"""Know records by further keys."""

import sqlalchemy as sa
from alembic import op

revision = "10"
down_revision = "9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_as",
        sa.Column("record", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("rkey", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record", "rkey"),
    )
    with op.batch_alter_table("known_as", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_as_rkey"), ["rkey"], unique=False)
