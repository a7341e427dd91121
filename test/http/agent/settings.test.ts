/** `settings` as clients read them, made of what agents send, of whatever age. */
import { describe, expect, test } from "vitest";
import { makeOwned } from "../../support/agent-calls.ts";
import { call, connectAgentOf } from "../../support/api.ts";
import { projected } from "../../support/printer.ts";
import { RECORDINGS } from "../../support/recordings.ts";

const FLAT = {
  webcam_flipV: false,
  webcam_flipH: false,
  webcam_rotate90: false,
  webcam_rotation: 0,
  webcam_streamRatio: "16:9",
  ratio169: true,
};

const TOLD = {
  ...FLAT,
  data_channel_id: "",
  temp_profiles: [],
  printer_metadata: "{}",
  platform_uname: "[]",
  installed_plugins: "[]",
  tsd_plugin_version: "",
  octoprint_version: "",
};

/** What GET one and the list show after the agent sent these messages, one after the other. */
async function settingsAfter(messages: readonly object[]) {
  const { account, printer } = await makeOwned();
  const agent = await connectAgentOf(printer);
  for (const message of messages) agent.send(message);
  await agent.settled();
  const { body } = await call("GET", `/api/v1/printers/${printer.id}/`, { token: account.token });
  await projected(printer.id);
  const list = await call("GET", "/api/v1/printers/", { token: account.token });
  expect(list.body[0].settings).toEqual(body.settings);
  return body;
}

const CAMERA = { name: "", is_primary_camera: true, flipV: false, flipH: false, rotation: 0, streamRatio: "16:9" };

describe("settings", () => {
  const table: [title: string, messages: object[], expected: object][] = [
    ["none", [], FLAT],
    ["a message without keys", [{ settings: {} }], TOLD],
    ["the webcam's start-up under way", [{ settings: { webcams: null } }], { ...TOLD, webcams: null }],
    [
      "a legacy webcam, under the legacy name of the key",
      [{ octoprint_settings: { webcam: { flipV: true, streamRatio: "4:3" } } }],
      {
        ...{ ...TOLD, webcams: [{ ...CAMERA, flipV: true, streamRatio: "4:3" }] },
        ...{ webcam_flipV: true, webcam_streamRatio: "4:3", ratio169: false },
      },
    ],
    [
      "a legacy webcam that is turned",
      [{ settings: { webcam: { rotate90: true } } }],
      {
        ...{ ...TOLD, webcams: [{ ...CAMERA, rotate90: true, rotation: 270 }] },
        ...{ webcam_rotation: 270, webcam_rotate90: true },
      },
    ],
    [
      "a list: the flat keys are the first one's, primary or not",
      [
        {
          settings: {
            webcams: [
              { flipH: true, rotation: "90", stream_id: 4 },
              { ...CAMERA, stream_mode: "h264_transcode", stream_id: 1 },
            ],
          },
        },
      ],
      {
        ...{ ...TOLD, webcam_flipV: null, webcam_flipH: true, webcam_rotation: 90, webcam_rotate90: false },
        ...{ webcam_streamRatio: null, ratio169: false, data_channel_id: "1" },
        webcams: [
          { flipH: true, rotation: "90", stream_id: 4 },
          { ...CAMERA, stream_mode: "h264_transcode", stream_id: 1 },
        ],
      },
    ],
    [
      "a data channel of the webcam that has one",
      [
        {
          settings: {
            webcams: [
              { ...CAMERA, stream_mode: "h264_transcode", stream_id: 1 },
              { ...CAMERA, stream_id: 3, data_channel_available: true },
            ],
          },
        },
      ],
      {
        ...{ ...TOLD, data_channel_id: "3" },
        webcams: [
          { ...CAMERA, stream_mode: "h264_transcode", stream_id: 1 },
          { ...CAMERA, stream_id: 3, data_channel_available: true },
        ],
      },
    ],
    [
      "an odd angle",
      [{ settings: { webcams: [{ ...CAMERA, rotation: 45 }] } }],
      { ...TOLD, webcams: [{ ...CAMERA, rotation: 45 }] },
    ],
    [
      "a camera that says nothing",
      [{ settings: { webcams: [{}] } }],
      {
        ...{ ...TOLD, webcams: [{}], webcam_flipV: null, webcam_flipH: null, webcam_rotation: null },
        ...{ webcam_rotate90: null, webcam_streamRatio: null, ratio169: false },
      },
    ],
    [
      "wrong types all over",
      [{ settings: { webcams: "x", temperature: 5, data_channel_id: {}, octoprint_version: [] } }],
      TOLD,
    ],
    [
      "later keys replace earlier ones, the others stay",
      [
        { settings: { data_channel_id: 389, installed_plugins: ["a"], octoprint_version: "1.9.0" } },
        { settings: { installed_plugins: ["b", "c"], tsd_plugin_version: "2" } },
      ],
      {
        ...{ ...TOLD, data_channel_id: "389", installed_plugins: '["b","c"]' },
        ...{ octoprint_version: "1.9.0", tsd_plugin_version: "2" },
      },
    ],
    [
      "profiles and metadata",
      [
        {
          settings: {
            temperature: { profiles: [{ name: "PLA", extruder: 200 }] },
            printer_metadata: { FIRMWARE_NAME: "M" },
          },
        },
      ],
      { ...TOLD, temp_profiles: [{ name: "PLA", extruder: 200 }], printer_metadata: '{"FIRMWARE_NAME":"M"}' },
    ],
    ["an agent with a name and no version", [{ settings: { agent: { name: "homemade" } } }], TOLD],
    [
      "what does not fit beside what there was changes nothing",
      [{ settings: { a: "x".repeat(40_000), octoprint_version: "1" } }, { settings: { b: "y".repeat(40_000) } }],
      { ...TOLD, octoprint_version: "1" },
    ],
  ];

  test.each(table)("[A21] [A22] as REST shows them: %s", async (_title, messages, expected) => {
    expect((await settingsAfter(messages)).settings).toEqual(expected);
  });

  test.each(["moonraker", "octoprint"] as const)("[A22] %s's own, as recorded", async (dialect) => {
    const sent = RECORDINGS[dialect].flatMap((line) =>
      line.kind === "frame" && line.frame.settings !== undefined ? [line.frame.settings] : [],
    );
    const last: Record<string, unknown> = Object.assign({}, ...sent);
    const agent = last.agent as { name: string; version: string };
    const body = await settingsAfter(sent.map((settings) => ({ settings })));
    expect(body).toMatchObject({ agent_name: agent.name, agent_version: agent.version });
    expect(body.settings).toMatchObject({
      agent_name: agent.name,
      agent_version: agent.version,
      platform_uname: JSON.stringify(last.platform_uname),
      installed_plugins: JSON.stringify(last.installed_plugins),
      temp_profiles: (last.temperature as { profiles: unknown }).profiles ?? [],
    });
  });
});
