CREATE TABLE "audit_settings" (
	"id" integer PRIMARY KEY NOT NULL,
	"settings" jsonb NOT NULL,
	"secrets_sealed" text
);
--> statement-breakpoint
CREATE TABLE "checkpoints" (
	"node" text NOT NULL,
	"size" bigint NOT NULL,
	"root" text NOT NULL,
	"note" text NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "checkpoints_node_size_pk" PRIMARY KEY("node","size")
);
--> statement-breakpoint
CREATE TABLE "erasure_nodes" (
	"erasure_id" text NOT NULL,
	"node" text NOT NULL,
	"done_at" timestamp with time zone DEFAULT now() NOT NULL,
	"entries" integer NOT NULL,
	CONSTRAINT "erasure_nodes_erasure_id_node_pk" PRIMARY KEY("erasure_id","node")
);
--> statement-breakpoint
CREATE TABLE "erasures" (
	"id" text PRIMARY KEY NOT NULL,
	"at" timestamp with time zone DEFAULT now() NOT NULL,
	"principal_name" text,
	"since" date,
	"until" date,
	"statement_id" text,
	"reason" text NOT NULL
);
--> statement-breakpoint
CREATE TABLE "nodes" (
	"name" text PRIMARY KEY NOT NULL,
	"gateway_id" text NOT NULL,
	"public_key" text NOT NULL,
	"since" timestamp with time zone DEFAULT now() NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "value_keys" (
	"id" text PRIMARY KEY NOT NULL,
	"principal_name" text NOT NULL,
	"day" date NOT NULL,
	"key_sealed" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"erased_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "gateway_id" text;--> statement-breakpoint
ALTER TABLE "actions" ADD COLUMN "log_index" bigint;--> statement-breakpoint
CREATE INDEX "checkpoints_at" ON "checkpoints" USING btree ("at");--> statement-breakpoint
CREATE UNIQUE INDEX "value_keys_live" ON "value_keys" USING btree ("principal_name","day") WHERE "value_keys"."erased_at" is null;--> statement-breakpoint
CREATE INDEX "value_keys_day" ON "value_keys" USING btree ("day");--> statement-breakpoint
CREATE INDEX "actions_to_log" ON "actions" USING btree ("gateway_id","id") WHERE "actions"."log_index" is null;