ALTER TABLE `printer_live` ADD `is_printing` integer DEFAULT false NOT NULL;--> statement-breakpoint
UPDATE `printer_live` SET `is_printing` = 1 WHERE json_valid(`status`) AND `status` -> '$.state.flags.printing' = 'true';
