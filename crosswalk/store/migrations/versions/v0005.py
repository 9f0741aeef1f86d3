"""Keep public ids apart by an index, which a first load leaves away and builds afterwards."""

from alembic import op

revision = "5"
down_revision = "4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("entity", schema=None) as batch_op:
        batch_op.drop_constraint("uq_entity_public", type_="unique")
    op.create_index("uq_entity_public", "entity", ["public"], unique=True)
