ALTER TABLE "groups" ADD COLUMN "scim" jsonb;--> statement-breakpoint
ALTER TABLE "principals" ADD COLUMN "scim" jsonb;