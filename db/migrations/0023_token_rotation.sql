ALTER TABLE "tokens" ADD COLUMN "replaces" text;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_replaces_tokens_id_fk" FOREIGN KEY ("replaces") REFERENCES "public"."tokens"("id") ON DELETE set null ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "tokens" ADD CONSTRAINT "tokens_replaces_unique" UNIQUE("replaces");