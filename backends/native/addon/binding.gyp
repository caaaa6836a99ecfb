{
  "targets": [
    {
      "target_name": "mirrorspace",
      "sources": [
        "abi-table.cc",
        "addon.cc",
        "arguments.cc",
        "buffers.cc",
        "compare.cc",
        "descriptor.cc",
        "disk-file.cc",
        "errors.cc",
        "fault/bare.cc",
        "fault/handler.cc",
        "fault/install.cc",
        "fault/register.cc",
        "fault/tracking.cc",
        "fault/userfault.cc",
        "fault/userfaults.cc",
        "file-guard.cc",
        "futex.cc",
        "ioctl.cc",
        "mapping.cc",
        "memfd.cc",
        "memory.cc",
        "pagemap.cc",
        "promises.cc",
        "wait-pool.cc",
        "engine/engine.cc",
        "engine/peers.cc"
      ],
      "include_dirs": ["<!(node -p \"require('node-addon-api').include_dir\")", "."],
      "defines": [
        "NAPI_VERSION=9",
        "NODE_ADDON_API_CPP_EXCEPTIONS_ALL",
        "NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS",
        "_GNU_SOURCE"
      ],
      # Threads of ours may be asleep in code of the addon after the last environment that loaded it: so it stays loaded.
      "cflags_cc": ["-O2", "-fexceptions", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wno-unused-parameter"],
      "cflags_cc!": ["-fno-exceptions", "-O3"],
      "ldflags": ["-Wl,-z,nodelete", "-Wl,--exclude-libs,ALL"]
    }
  ]
}
