ALTER TABLE `g_code_files` ADD `search_name` text;--> statement-breakpoint
CREATE INDEX `g_code_files_unread` ON `g_code_files` (`id`) WHERE "g_code_files"."search_name" is null;--> statement-breakpoint
ALTER TABLE `g_code_folders` ADD `search_name` text;--> statement-breakpoint
CREATE INDEX `g_code_folders_unread` ON `g_code_folders` (`id`) WHERE "g_code_folders"."search_name" is null;--> statement-breakpoint
UPDATE `g_code_files` SET `safe_filename` = replace(replace(`safe_filename`, '/', '_'), '\', '_') WHERE instr(`safe_filename`, '/') > 0 OR instr(`safe_filename`, '\') > 0;--> statement-breakpoint
UPDATE `g_code_files` SET `safe_filename` = '_' || substr(`safe_filename`, 2) WHERE `safe_filename` LIKE '.%';