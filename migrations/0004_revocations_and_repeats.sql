ALTER TABLE `api_tokens` ADD `told_at` integer;--> statement-breakpoint
CREATE INDEX `api_tokens_untold` ON `api_tokens` (`revoked_at`) WHERE "api_tokens"."told_at" is null and "api_tokens"."revoked_at" is not null;--> statement-breakpoint
ALTER TABLE `one_time_verification_codes` ADD `used_by` text;