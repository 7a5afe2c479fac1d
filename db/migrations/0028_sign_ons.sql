CREATE TABLE "sign_ons" (
	"id" text PRIMARY KEY NOT NULL,
	"provider_id" text NOT NULL,
	"principal_id" text NOT NULL,
	"name_id" jsonb NOT NULL,
	"session_index" text,
	"created_at" timestamp with time zone DEFAULT now() NOT NULL,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
ALTER TABLE "sign_in_links" ADD COLUMN "sign_on_id" text;--> statement-breakpoint
ALTER TABLE "sign_ons" ADD CONSTRAINT "sign_ons_provider_id_identity_providers_id_fk" FOREIGN KEY ("provider_id") REFERENCES "public"."identity_providers"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sign_ons" ADD CONSTRAINT "sign_ons_principal_id_principals_id_fk" FOREIGN KEY ("principal_id") REFERENCES "public"."principals"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "sign_ons_provider" ON "sign_ons" USING btree ("provider_id");--> statement-breakpoint
ALTER TABLE "sign_in_links" ADD CONSTRAINT "sign_in_links_sign_on_id_sign_ons_id_fk" FOREIGN KEY ("sign_on_id") REFERENCES "public"."sign_ons"("id") ON DELETE cascade ON UPDATE no action;