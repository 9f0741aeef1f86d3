CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);

CREATE TABLE action (
	id SERIAL NOT NULL,
	plan INTEGER NOT NULL,
	stream INTEGER NOT NULL,
	record BIGINT,
	entity BIGINT NOT NULL,
	op TEXT NOT NULL,
	hub_id TEXT,
	fields BYTEA NOT NULL,
	expects TEXT,
	seen BYTEA,
	state TEXT NOT NULL,
	held_by TEXT,
	due BIGINT,
	attempts INTEGER DEFAULT '0' NOT NULL,
	sent_at BIGINT,
	run INTEGER,
	reason TEXT,
	PRIMARY KEY (id)
);

CREATE INDEX ix_action_entity ON action (entity);

CREATE INDEX ix_action_open ON action (stream, state, due) WHERE state IN ('planned','held','leased','sent','unknown','later');

CREATE INDEX ix_action_plan ON action (plan);

CREATE UNIQUE INDEX uq_action_create ON action (stream, entity) WHERE op = 'create' AND state IN ('planned','held','leased','sent','unknown','later');

CREATE UNIQUE INDEX uq_action_record ON action (record) WHERE record IS NOT NULL AND state IN ('planned','held','leased','sent','unknown','later');

CREATE TABLE alert (
	target TEXT NOT NULL,
	trouble TEXT NOT NULL,
	began_at BIGINT NOT NULL,
	ended_at BIGINT,
	told TEXT,
	tries INTEGER DEFAULT '0' NOT NULL,
	due BIGINT NOT NULL,
	detail BYTEA NOT NULL,
	PRIMARY KEY (target, trouble)
);

CREATE TABLE alias (
	public TEXT NOT NULL,
	entity BIGINT NOT NULL,
	PRIMARY KEY (public)
);

CREATE INDEX ix_alias_entity ON alias (entity);

CREATE TABLE approval (
	plan INTEGER NOT NULL,
	stream INTEGER NOT NULL,
	class TEXT NOT NULL,
	at_most INTEGER NOT NULL,
	who TEXT,
	at BIGINT NOT NULL,
	PRIMARY KEY (plan, stream, class)
);

CREATE TABLE association (
	entity BIGINT NOT NULL,
	field TEXT NOT NULL,
	target BIGINT NOT NULL,
	PRIMARY KEY (entity, field, target)
);

CREATE INDEX ix_association_target ON association (target, field);

CREATE TABLE base (
	record BIGINT NOT NULL,
	side BYTEA NOT NULL,
	hub BYTEA NOT NULL,
	raws BYTEA NOT NULL,
	PRIMARY KEY (record)
);

CREATE TABLE became (
	record BIGINT NOT NULL,
	rkey TEXT NOT NULL,
	PRIMARY KEY (record, rkey)
);

CREATE INDEX ix_became_rkey ON became (rkey);

CREATE TABLE block (
	kind SMALLINT NOT NULL,
	value BIGINT NOT NULL,
	record BIGINT NOT NULL,
	PRIMARY KEY (kind, value, record)
);

CREATE TABLE body (
	record BIGINT NOT NULL,
	raw BYTEA NOT NULL,
	observed BYTEA NOT NULL,
	PRIMARY KEY (record)
);

CREATE TABLE budget (
	account TEXT NOT NULL,
	allowance BIGINT NOT NULL,
	reserve BIGINT NOT NULL,
	remaining BIGINT NOT NULL,
	resets_at BIGINT NOT NULL,
	granted BIGINT NOT NULL,
	PRIMARY KEY (account)
);

CREATE TABLE conflict (
	id SERIAL NOT NULL,
	entity BIGINT NOT NULL,
	field TEXT NOT NULL,
	state TEXT NOT NULL,
	inputs BYTEA NOT NULL,
	detail BYTEA NOT NULL,
	run INTEGER,
	at BIGINT NOT NULL,
	decision BYTEA,
	who TEXT,
	PRIMARY KEY (id)
);

CREATE INDEX ix_conflict_entity ON conflict (entity, field);

CREATE INDEX ix_conflict_waiting ON conflict (state, entity) WHERE state IN ('open', 'decided');

CREATE UNIQUE INDEX uq_conflict_open ON conflict (entity, field) WHERE state = 'open';

CREATE TABLE connection (
	name TEXT NOT NULL,
	connector TEXT NOT NULL,
	account BYTEA,
	checked_at BIGINT,
	last_good_at BIGINT,
	state TEXT DEFAULT 'ok' NOT NULL,
	code TEXT,
	detail TEXT,
	since BIGINT,
	credentials TEXT,
	PRIMARY KEY (name)
);

CREATE TABLE daemon (
	id TEXT NOT NULL,
	host TEXT NOT NULL,
	version TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	heartbeat_at BIGINT NOT NULL,
	ended_at BIGINT,
	PRIMARY KEY (id)
);

CREATE TABLE dead_letter (
	id SERIAL NOT NULL,
	stream INTEGER NOT NULL,
	rkey TEXT NOT NULL,
	phase TEXT NOT NULL,
	field TEXT NOT NULL,
	code TEXT NOT NULL,
	reason TEXT NOT NULL,
	payload BYTEA,
	inputs BYTEA,
	state TEXT NOT NULL,
	tries INTEGER NOT NULL,
	first_at BIGINT NOT NULL,
	last_at BIGINT NOT NULL,
	run INTEGER,
	note TEXT,
	PRIMARY KEY (id),
	CONSTRAINT uq_dead_letter_stream_rkey_phase_field UNIQUE (stream, rkey, phase, field)
);

CREATE INDEX ix_letter_waiting ON dead_letter (stream, phase) WHERE state <> 'closed';

CREATE TABLE doubt (
	stream INTEGER NOT NULL,
	rkey TEXT NOT NULL,
	record BIGINT NOT NULL,
	PRIMARY KEY (stream, rkey, record)
);

CREATE INDEX ix_doubt_record ON doubt (record);

CREATE TABLE edge (
	"left" BIGINT NOT NULL,
	"right" BIGINT NOT NULL,
	source TEXT NOT NULL,
	verdict TEXT NOT NULL,
	rule TEXT NOT NULL,
	score TEXT,
	who TEXT,
	at BIGINT NOT NULL,
	run INTEGER,
	shown TEXT,
	PRIMARY KEY ("left", "right", source)
);

CREATE INDEX ix_edge_right ON edge ("right");

CREATE INDEX ix_edge_source ON edge (source);

CREATE TABLE entity (
	id BIGINT NOT NULL,
	kind TEXT NOT NULL,
	public TEXT NOT NULL,
	merged_into BIGINT,
	PRIMARY KEY (id)
);

CREATE UNIQUE INDEX uq_entity_public ON entity (public);

CREATE TABLE erasure (
	id SERIAL NOT NULL,
	entity BIGINT NOT NULL,
	run INTEGER NOT NULL,
	at BIGINT NOT NULL,
	who TEXT NOT NULL,
	reason TEXT NOT NULL,
	records INTEGER NOT NULL,
	lifted_at BIGINT,
	PRIMARY KEY (id)
);

CREATE INDEX ix_erasure_entity ON erasure (entity);

CREATE TABLE frequency (
	kind SMALLINT NOT NULL,
	value BIGINT NOT NULL,
	count INTEGER NOT NULL,
	PRIMARY KEY (kind, value)
);

CREATE TABLE golden (
	entity BIGINT NOT NULL,
	vals BYTEA NOT NULL,
	lineage BYTEA NOT NULL,
	run INTEGER NOT NULL,
	PRIMARY KEY (entity)
);

CREATE TABLE golden_history (
	entity BIGINT NOT NULL,
	run INTEGER NOT NULL,
	at BIGINT NOT NULL,
	before BYTEA NOT NULL,
	PRIMARY KEY (entity, run)
);

CREATE TABLE ident (
	kind SMALLINT NOT NULL,
	value BIGINT NOT NULL,
	record BIGINT NOT NULL
);

CREATE INDEX ix_ident_record ON ident (record);

CREATE INDEX ix_ident_value ON ident (kind, value, record);

CREATE TABLE ident_kind (
	id SERIAL NOT NULL,
	kind TEXT NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uq_ident_kind_kind UNIQUE (kind)
);

CREATE TABLE journal (
	id SERIAL NOT NULL,
	run INTEGER NOT NULL,
	action INTEGER NOT NULL,
	plan INTEGER,
	record BIGINT NOT NULL,
	entity BIGINT NOT NULL,
	at BIGINT NOT NULL,
	op TEXT NOT NULL,
	fields BYTEA NOT NULL,
	PRIMARY KEY (id)
);

CREATE INDEX ix_journal_record ON journal (record, at);

CREATE INDEX ix_journal_run ON journal (run);

CREATE TABLE known_as (
	record BIGINT NOT NULL,
	rkey TEXT NOT NULL,
	PRIMARY KEY (record, rkey)
);

CREATE INDEX ix_known_as_rkey ON known_as (rkey);

CREATE TABLE layout (
	kind TEXT NOT NULL,
	position INTEGER NOT NULL,
	field TEXT NOT NULL,
	PRIMARY KEY (kind, position),
	CONSTRAINT uq_layout_kind_field UNIQUE (kind, field)
);

CREATE TABLE lease (
	name TEXT NOT NULL,
	epoch BIGINT NOT NULL,
	holder TEXT,
	expires_at BIGINT NOT NULL,
	PRIMARY KEY (name)
);

CREATE TABLE mapping (
	id SERIAL NOT NULL,
	stream INTEGER NOT NULL,
	fingerprint BYTEA NOT NULL,
	kind TEXT NOT NULL,
	fields BYTEA NOT NULL,
	prints BYTEA NOT NULL,
	approved_at BIGINT,
	PRIMARY KEY (id),
	CONSTRAINT uq_mapping_stream_fingerprint UNIQUE (stream, fingerprint)
);

CREATE TABLE member (
	record BIGINT NOT NULL,
	entity BIGINT NOT NULL,
	PRIMARY KEY (record)
);

CREATE INDEX ix_member_entity ON member (entity);

CREATE TABLE meta (
	name TEXT NOT NULL,
	value BYTEA NOT NULL,
	PRIMARY KEY (name)
);

CREATE TABLE pair (
	id SERIAL NOT NULL,
	"left" BIGINT NOT NULL,
	"right" BIGINT NOT NULL,
	rule TEXT NOT NULL,
	state TEXT NOT NULL,
	at BIGINT NOT NULL,
	who TEXT,
	score TEXT,
	PRIMARY KEY (id),
	CONSTRAINT uq_pair_left_right UNIQUE ("left", "right")
);

CREATE INDEX ix_pair_right ON pair ("right");

CREATE TABLE part (
	stream INTEGER NOT NULL,
	name TEXT NOT NULL,
	watermark BIGINT,
	position BYTEA,
	since BIGINT,
	opened BIGINT,
	largest BIGINT,
	read_no BIGINT DEFAULT '0' NOT NULL,
	covered_from BIGINT,
	covered_to BIGINT,
	total BIGINT,
	complete BOOLEAN DEFAULT false NOT NULL,
	PRIMARY KEY (stream, name)
);

CREATE TABLE pause (
	address TEXT NOT NULL,
	who TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (address)
);

CREATE TABLE plan (
	id SERIAL NOT NULL,
	state TEXT NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	hash TEXT NOT NULL,
	settings TEXT NOT NULL,
	run INTEGER,
	detail BYTEA NOT NULL,
	PRIMARY KEY (id)
);

CREATE INDEX ix_plan_open ON plan (id) WHERE state = 'open';

CREATE TABLE profile (
	record BIGINT NOT NULL,
	form BIGINT NOT NULL,
	told BYTEA NOT NULL,
	PRIMARY KEY (record)
);

CREATE TABLE record (
	id BIGINT NOT NULL,
	stream INTEGER NOT NULL,
	rkey TEXT NOT NULL,
	version TEXT,
	modified BIGINT,
	read_no BIGINT NOT NULL,
	hash BYTEA,
	mapping INTEGER NOT NULL,
	state SMALLINT NOT NULL,
	hub_id TEXT,
	PRIMARY KEY (id),
	CONSTRAINT uq_record_stream_rkey UNIQUE (stream, rkey)
);

CREATE UNIQUE INDEX uq_record_hub_id ON record (stream, hub_id) WHERE hub_id IS NOT NULL;

CREATE TABLE removed (
	record BIGINT NOT NULL,
	since BIGINT,
	there_until BIGINT,
	state TEXT NOT NULL,
	PRIMARY KEY (record)
);

CREATE INDEX ix_removed_open ON removed (record) WHERE state <> 'closed';

CREATE TABLE response (
	record BIGINT NOT NULL,
	metric TEXT NOT NULL,
	question TEXT NOT NULL,
	person BIGINT,
	company BIGINT,
	survey TEXT NOT NULL,
	kind TEXT NOT NULL,
	answered_at BIGINT,
	score BYTEA NOT NULL,
	counted BOOLEAN NOT NULL,
	PRIMARY KEY (record, metric, question)
);

CREATE INDEX ix_response_company ON response (company, metric, answered_at);

CREATE INDEX ix_response_person ON response (person, metric, answered_at);

CREATE TABLE run (
	id SERIAL NOT NULL,
	command TEXT NOT NULL,
	trigger TEXT NOT NULL,
	state TEXT NOT NULL,
	started_at BIGINT NOT NULL,
	ended_at BIGINT,
	plan INTEGER,
	who TEXT,
	counts BYTEA NOT NULL,
	beat_at BIGINT,
	PRIMARY KEY (id)
);

CREATE INDEX ix_run_running ON run (id) WHERE state = 'running';

CREATE TABLE sequence (
	name TEXT NOT NULL,
	next BIGINT NOT NULL,
	PRIMARY KEY (name)
);

CREATE TABLE slot (
	job TEXT NOT NULL,
	at BIGINT NOT NULL,
	holder TEXT,
	done_at BIGINT,
	again_at BIGINT,
	tries INTEGER DEFAULT '0' NOT NULL,
	PRIMARY KEY (job, at)
);

CREATE TABLE stream (
	id SERIAL NOT NULL,
	connection TEXT NOT NULL,
	name TEXT NOT NULL,
	mapping INTEGER,
	catalogue BYTEA,
	catalogue_at BIGINT,
	swept_at BIGINT,
	complete BOOLEAN DEFAULT false NOT NULL,
	PRIMARY KEY (id),
	CONSTRAINT uq_stream_connection_name UNIQUE (connection, name)
);

CREATE TABLE suppressed (
	value BIGINT NOT NULL,
	erasure INTEGER NOT NULL,
	PRIMARY KEY (value)
);

CREATE INDEX ix_suppressed_erasure ON suppressed (erasure);

CREATE TABLE survivor (
	record BIGINT NOT NULL,
	rkey TEXT NOT NULL,
	PRIMARY KEY (record)
);

CREATE INDEX ix_survivor_rkey ON survivor (rkey);

CREATE TABLE swept (
	stream INTEGER NOT NULL,
	rkey TEXT NOT NULL,
	PRIMARY KEY (stream, rkey)
);

CREATE TABLE todo (
	stage SMALLINT NOT NULL,
	id BIGINT NOT NULL,
	PRIMARY KEY (stage, id)
);

CREATE TABLE token (
	connection TEXT NOT NULL,
	generation BIGINT NOT NULL,
	sealed BYTEA,
	claimed_until BIGINT,
	PRIMARY KEY (connection)
);

CREATE TABLE waiting (
	stream INTEGER NOT NULL,
	rkey TEXT NOT NULL,
	record BIGINT NOT NULL,
	PRIMARY KEY (stream, rkey, record)
);

CREATE INDEX ix_waiting_record ON waiting (record);
