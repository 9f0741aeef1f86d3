"""Keep what records were converted to."""

import sqlalchemy as sa
from alembic import op

revision = "13"
down_revision = "12"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "became",
        sa.Column("record", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("rkey", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("record", "rkey"),
    )
    with op.batch_alter_table("became", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_became_rkey"), ["rkey"], unique=False)
