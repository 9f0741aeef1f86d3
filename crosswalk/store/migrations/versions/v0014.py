"""Keep which references are in doubt."""

import sqlalchemy as sa
from alembic import op

revision = "14"
down_revision = "13"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "doubt",
        sa.Column("stream", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rkey", sa.Text(), nullable=False),
        sa.Column("record", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("stream", "rkey", "record"),
    )
    with op.batch_alter_table("doubt", schema=None) as batch_op:
        batch_op.create_index("ix_doubt_record", ["record"], unique=False)
