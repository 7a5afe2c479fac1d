CREATE TABLE "column_names" (
	"connection_id" text NOT NULL,
	"relation_oid" bigint NOT NULL,
	"attribute_number" integer NOT NULL,
	"schema_name" text NOT NULL,
	"relation_name" text NOT NULL,
	"column_name" text NOT NULL,
	"seen_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "column_names_connection_id_relation_oid_attribute_number_schema_name_relation_name_column_name_pk" PRIMARY KEY("connection_id","relation_oid","attribute_number","schema_name","relation_name","column_name")
);
--> statement-breakpoint
ALTER TABLE "column_names" ADD CONSTRAINT "column_names_connection_id_connections_id_fk" FOREIGN KEY ("connection_id") REFERENCES "public"."connections"("id") ON DELETE cascade ON UPDATE no action;