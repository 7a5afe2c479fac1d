CREATE TABLE "principal_usage" (
	"principal_id" text NOT NULL,
	"period" text NOT NULL,
	"starts_at" timestamp with time zone NOT NULL,
	"statements" bigint DEFAULT 0 NOT NULL,
	"rows" bigint DEFAULT 0 NOT NULL,
	"masked_values" bigint DEFAULT 0 NOT NULL,
	"masked_sketch" "bytea",
	CONSTRAINT "principal_usage_principal_id_period_starts_at_pk" PRIMARY KEY("principal_id","period","starts_at")
);
--> statement-breakpoint
ALTER TABLE "principal_usage" ADD CONSTRAINT "principal_usage_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "principal_usage_starts" ON "principal_usage" USING btree ("starts_at");