CREATE TABLE `api_tokens` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`name` text NOT NULL,
	`hash` text NOT NULL,
	`can_read` integer NOT NULL,
	`can_write` integer NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer,
	`revoked_at` integer,
	`last_used_on` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_tokens_hash` ON `api_tokens` (`hash`);--> statement-breakpoint
CREATE INDEX `api_tokens_user` ON `api_tokens` (`user_id`,`id`);--> statement-breakpoint
CREATE TABLE `commands` (
	`id` text PRIMARY KEY NOT NULL,
	`printer_id` integer NOT NULL,
	`revision` integer NOT NULL,
	`kind` text NOT NULL,
	`state` text NOT NULL,
	`reason` text,
	`print_id` integer,
	`initiator` text NOT NULL,
	`user_id` integer,
	`token_name` text,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`settle_by` integer,
	`sent_at` integer,
	`delivered_at` integer,
	`ended_at` integer,
	FOREIGN KEY (`printer_id`) REFERENCES `printers`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "commands_kind" CHECK("commands"."kind" in ('pause', 'resume', 'cancel', 'print_file')),
	CONSTRAINT "commands_state" CHECK("commands"."state" in ('rejected', 'checking', 'sent', 'delivered', 'succeeded', 'failed', 'unknown', 'superseded')),
	CONSTRAINT "commands_initiator" CHECK("commands"."initiator" in ('api', 'web', 'system'))
);
--> statement-breakpoint
CREATE INDEX `commands_printer_created` ON `commands` (`printer_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `discovery_messages` (
	`id` integer PRIMARY KEY NOT NULL,
	`address` text NOT NULL,
	`device_id` text NOT NULL,
	`user_id` integer NOT NULL,
	`code_id` integer NOT NULL,
	`secret` text NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `discovery_messages_target` ON `discovery_messages` (`address`,`device_id`,`user_id`);--> statement-breakpoint
CREATE TABLE `g_code_copies` (
	`printer_id` integer NOT NULL,
	`g_code_file_id` integer NOT NULL,
	`safe_filename` text NOT NULL,
	`agent_signature` text NOT NULL,
	PRIMARY KEY(`printer_id`, `g_code_file_id`),
	FOREIGN KEY (`printer_id`) REFERENCES `printers`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`g_code_file_id`) REFERENCES `g_code_files`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `g_code_files` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`resident_printer_id` integer,
	`parent_folder_id` integer,
	`filename` text NOT NULL,
	`safe_filename` text NOT NULL,
	`agent_signature` text,
	`url` text,
	`object_key` text,
	`num_bytes` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	`deleted_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`resident_printer_id`) REFERENCES `printers`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `g_code_files_signature` ON `g_code_files` (`user_id`,`safe_filename`,`agent_signature`);--> statement-breakpoint
CREATE INDEX `g_code_files_user` ON `g_code_files` (`user_id`,`resident_printer_id`,`created_at`) WHERE "g_code_files"."deleted_at" is null;--> statement-breakpoint
CREATE INDEX `g_code_files_folder` ON `g_code_files` (`parent_folder_id`) WHERE "g_code_files"."parent_folder_id" is not null;--> statement-breakpoint
CREATE INDEX `g_code_files_erasable` ON `g_code_files` (`id`) WHERE "g_code_files"."deleted_at" is not null and "g_code_files"."object_key" is not null;--> statement-breakpoint
CREATE TABLE `g_code_folders` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`parent_folder_id` integer,
	`name` text NOT NULL,
	`safe_name` text NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `g_code_folders_name` ON `g_code_folders` (`user_id`,`parent_folder_id`,`safe_name`);--> statement-breakpoint
CREATE UNIQUE INDEX `g_code_folders_root_name` ON `g_code_folders` (`user_id`,`safe_name`) WHERE "g_code_folders"."parent_folder_id" is null;--> statement-breakpoint
CREATE TABLE `g_code_uploads` (
	`object_key` text PRIMARY KEY NOT NULL,
	`started_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `link_failures` (
	`id` integer PRIMARY KEY NOT NULL,
	`network` text NOT NULL,
	`address` text NOT NULL,
	`at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `link_failures_network` ON `link_failures` (`network`,`at`);--> statement-breakpoint
CREATE TABLE `one_time_passcodes` (
	`id` integer PRIMARY KEY NOT NULL,
	`network` text NOT NULL,
	`passcode` text NOT NULL,
	`device_id` text NOT NULL,
	`code_id` integer,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE INDEX `one_time_passcodes_passcode` ON `one_time_passcodes` (`passcode`);--> statement-breakpoint
CREATE INDEX `one_time_passcodes_network` ON `one_time_passcodes` (`network`,`created_at`);--> statement-breakpoint
CREATE TABLE `one_time_verification_codes` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`user_id` integer NOT NULL,
	`printer_id` integer,
	`code` text NOT NULL,
	`created_at` integer NOT NULL,
	`expired_at` integer NOT NULL,
	`verified_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`printer_id`) REFERENCES `printers`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `one_time_verification_codes_code` ON `one_time_verification_codes` (`code`);--> statement-breakpoint
CREATE INDEX `one_time_verification_codes_user` ON `one_time_verification_codes` (`user_id`,`printer_id`);--> statement-breakpoint
CREATE TABLE `printer_events` (
	`id` integer PRIMARY KEY NOT NULL,
	`printer_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`print_id` integer,
	`event_type` text NOT NULL,
	`event_class` text NOT NULL,
	`event_title` text,
	`event_text` text,
	`image_url` text,
	`info_url` text,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`printer_id`) REFERENCES `printers`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "printer_events_type" CHECK("printer_events"."event_type" in ('STARTED', 'ENDED', 'PAUSED', 'RESUMED', 'FAILURE_ALERTED', 'ALERT_MUTED', 'ALERT_UNMUTED', 'FILAMENT_CHANGE', 'PRINTER_ERROR')),
	CONSTRAINT "printer_events_class" CHECK("printer_events"."event_class" in ('ERROR', 'WARNING', 'SUCCESS', 'INFO'))
);
--> statement-breakpoint
CREATE INDEX `printer_events_user_created` ON `printer_events` (`user_id`,`created_at`,`id`);--> statement-breakpoint
CREATE INDEX `printer_events_printer_created` ON `printer_events` (`printer_id`,`created_at`,`id`);--> statement-breakpoint
CREATE TABLE `printer_live` (
	`printer_id` integer PRIMARY KEY NOT NULL,
	`at` integer NOT NULL,
	`status` text,
	`status_at` integer,
	`last_seen_at` integer,
	`normalized_p` real DEFAULT 0 NOT NULL,
	`last_examined_at` integer,
	FOREIGN KEY (`printer_id`) REFERENCES `printers`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `printers` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`uid` text NOT NULL,
	`user_id` integer NOT NULL,
	`created_at` integer NOT NULL,
	`revision` integer DEFAULT 0 NOT NULL,
	`print_sequence` integer DEFAULT 0 NOT NULL,
	`event_sequence` integer DEFAULT 0 NOT NULL,
	`generation` integer DEFAULT 1 NOT NULL,
	`name` text NOT NULL,
	`action_on_failure` text NOT NULL,
	`watching_enabled` integer NOT NULL,
	`tools_off_on_pause` integer NOT NULL,
	`bed_off_on_pause` integer NOT NULL,
	`retract_on_pause` real NOT NULL,
	`lift_z_on_pause` real NOT NULL,
	`detective_sensitivity` real NOT NULL,
	`min_timelapse_secs_on_finish` integer NOT NULL,
	`min_timelapse_secs_on_cancel` integer NOT NULL,
	`archived_at` integer,
	`deleted_at` integer,
	`agent_name` text,
	`agent_version` text,
	`agent_key_id` text,
	`settings` text,
	`connected_at` integer,
	`disconnected_at` integer,
	`printer_lost_at` integer,
	`current_print_id` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "printers_action_on_failure" CHECK("printers"."action_on_failure" in ('NONE', 'PAUSE'))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `printers_uid` ON `printers` (`uid`);--> statement-breakpoint
CREATE INDEX `printers_user` ON `printers` (`user_id`,`id`);--> statement-breakpoint
CREATE TABLE `prints` (
	`id` integer PRIMARY KEY NOT NULL,
	`printer_id` integer NOT NULL,
	`user_id` integer NOT NULL,
	`revision` integer NOT NULL,
	`ext_id` integer NOT NULL,
	`filename` text NOT NULL,
	`g_code_file_id` integer,
	`started_at` integer NOT NULL,
	`ended_at` integer,
	`finished_at` integer,
	`cancelled_at` integer,
	`outcome` text,
	`alerted_at` integer,
	`alert_acknowledged_at` integer,
	`alert_muted_at` integer,
	`paused_at` integer,
	`alert_overwrite` text,
	`filament_used` real,
	`print_time` real,
	`deleted_at` integer,
	FOREIGN KEY (`printer_id`) REFERENCES `printers`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`g_code_file_id`) REFERENCES `g_code_files`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "prints_outcome" CHECK("prints"."outcome" is null or "prints"."outcome" in ('finished', 'cancelled', 'failed', 'unknown')),
	CONSTRAINT "prints_alert_overwrite" CHECK("prints"."alert_overwrite" is null or "prints"."alert_overwrite" in ('FAILED', 'NOT_FAILED'))
);
--> statement-breakpoint
CREATE INDEX `prints_user_started` ON `prints` (`user_id`,`started_at`,`id`,`deleted_at`);--> statement-breakpoint
CREATE INDEX `prints_g_code_file` ON `prints` (`g_code_file_id`) WHERE "prints"."g_code_file_id" is not null;--> statement-breakpoint
CREATE TABLE `unlinked_agents` (
	`id` integer PRIMARY KEY NOT NULL,
	`network` text NOT NULL,
	`address` text NOT NULL,
	`device_id` text NOT NULL,
	`info` text NOT NULL,
	`created_at` integer NOT NULL,
	`seen_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `unlinked_agents_device` ON `unlinked_agents` (`address`,`device_id`);--> statement-breakpoint
CREATE INDEX `unlinked_agents_network` ON `unlinked_agents` (`network`,`created_at`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`email` text,
	`issuer` text,
	`subject` text,
	`username` text DEFAULT '' NOT NULL,
	`first_name` text DEFAULT '' NOT NULL,
	`last_name` text DEFAULT '' NOT NULL,
	`unsub_token` text NOT NULL,
	`notification_enabled` integer DEFAULT true NOT NULL,
	`account_notification_by_email` integer DEFAULT true NOT NULL,
	`events_seen_at` integer DEFAULT 0 NOT NULL,
	`unseen_events_base` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (`email`);--> statement-breakpoint
CREATE UNIQUE INDEX `users_subject` ON `users` (`issuer`,`subject`);