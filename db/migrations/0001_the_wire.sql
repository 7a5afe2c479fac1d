ALTER TABLE "connections" ADD COLUMN "tls_negotiation" text DEFAULT 'postgres' NOT NULL;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "tls_ca" text;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "tls_certificate" text;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "tls_key_sealed" text;--> statement-breakpoint
ALTER TABLE "connections" ADD COLUMN "function_call" text DEFAULT 'refuse' NOT NULL;