CREATE TABLE "audit_views" (
	"id" text PRIMARY KEY NOT NULL,
	"owner_id" text NOT NULL,
	"owner_name" text NOT NULL,
	"name" text NOT NULL,
	"shared" boolean DEFAULT false NOT NULL,
	"q" text NOT NULL,
	"range" text,
	"from_at" timestamp with time zone,
	"to_at" timestamp with time zone,
	"sort" text NOT NULL,
	"columns" jsonb NOT NULL,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"updated_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "audit_views_name" UNIQUE("owner_id","name")
);
--> statement-breakpoint
CREATE INDEX "audit_views_shared" ON "audit_views" USING btree ("shared");