DROP INDEX "notification_deliveries_due";--> statement-breakpoint
CREATE INDEX "notification_deliveries_next" ON "notification_deliveries" USING btree ("next_attempt_at") WHERE state = 'pending';--> statement-breakpoint
CREATE INDEX "notification_deliveries_due" ON "notification_deliveries" USING btree ("channel_id","next_attempt_at","seq") WHERE state = 'pending';