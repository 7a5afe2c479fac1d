ALTER TABLE "approval_requests" ADD COLUMN "held_state" jsonb;--> statement-breakpoint
ALTER TABLE "approval_requests" ADD COLUMN "held_transaction" jsonb;--> statement-breakpoint
ALTER TABLE "approval_requests" ADD COLUMN "dry_run" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "approval_requests" ADD COLUMN "tolerance" jsonb;--> statement-breakpoint
ALTER TABLE "approval_requests" ADD COLUMN "measured" jsonb;