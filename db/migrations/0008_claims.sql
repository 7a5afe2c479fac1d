ALTER TABLE "approval_requests" ADD COLUMN "waiting" boolean DEFAULT true NOT NULL;--> statement-breakpoint
ALTER TABLE "approval_requests" ADD COLUMN "told" boolean DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX "approval_requests_digest" ON "approval_requests" USING btree ("digest");