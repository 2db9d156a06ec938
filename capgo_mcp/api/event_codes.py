"""What the codes of events mean, as devices and Capgo report them."""

from collections.abc import Mapping
from typing import Final

UPDATE_FAILURES: Final[Mapping[str, str]] = {
    "set_fail": "the bundle could not be switched to",
    "update_fail": "the app did not call notifyAppReady in time, so the device went back to the bundle before",
    "download_fail": "the download failed",
    "finish_download_fail": "the download could not be completed",
    "windows_path_fail": "the zip holds Windows paths",
    "canonical_path_fail": "the zip holds paths that are not canonical",
    "directory_path_fail": "the zip holds wrong folder paths",
    "manifest_path_fail": "the manifest holds a wrong path",
    "unzip_fail": "the zip could not be unpacked",
    "low_mem_fail": "the device had too little memory for the download",
    "insufficient_disk_space": "the device had too little room for the bundle",
    "download_manifest_file_fail": "a file of the bundle could not be downloaded",
    "download_manifest_checksum_fail": "a file of the bundle arrived with a wrong checksum",
    "download_manifest_brotli_fail": "a file of the bundle could not be decompressed",
    "checksum_fail": "the bundle arrived with a wrong checksum",
    "decrypt_fail": "the bundle could not be decrypted",
    "cannotGetBundle": "Capgo could make no address to download the bundle from",
    "blocked_by_server_url": "the app loads its pages from server.url, which rules updates out",
    "backend_refusal": "the updater plugin is too old (version 4) for Capgo",
}
"""Failures that keep a device from the bundle or throw it back."""

APP_FAILURES: Final[Mapping[str, str]] = {
    "app_crash": "the app crashed in its JavaScript layer",
    "app_crash_native": "the app crashed in native code",
    "app_anr": "the app did not respond (ANR)",
    "app_killed_low_memory": "the system ended the app for lack of memory",
    "app_killed_excessive_resource_usage": "the system ended the app for using too much",
    "app_initialization_failure": "the app could not start",
    "webview_javascript_error": "a JavaScript error",
    "webview_unhandled_rejection": "a promise failed and nobody handled it",
    "webview_resource_error": "a file or address could not be loaded in the web view",
    "webview_security_policy_violation": "the content security policy blocked something",
    "webview_unclean_restart": "the web view restarted after an unclean end",
    "webview_render_process_gone": "the web view's process died",
    "webview_content_process_terminated": "the web view's process was ended",
}
"""Failures of an app while it runs a bundle, whoever is to blame."""

FILE_FAILURES: Final = (
    "download_manifest_file_fail",
    "download_manifest_checksum_fail",
    "download_manifest_brotli_fail",
)
"""Failures that are reported about one file: the version reads `2.3.0:main.js`."""

FAILURES: Final = frozenset({*UPDATE_FAILURES, *APP_FAILURES})
"""What Capgo counts when nobody says what to count."""

INSTALLED: Final = "set"
"""The event of a device that switches to a bundle."""

MEANINGS: Final[Mapping[str, str]] = {
    **UPDATE_FAILURES,
    **APP_FAILURES,
    INSTALLED: "switched to the bundle",
    "set_next": "will switch to the bundle at the next start",
    "get": "was offered the bundle",
    "delete": "deleted the bundle from the device",
    "reset": "went back to the builtin bundle",
    "uninstall": "the app was uninstalled",
    "ping": "a test of the statistics",
    **{f"download_{percent}": f"downloaded {percent} %" for percent in range(0, 100, 10)},
    "download_complete": "downloaded the bundle",
    "download_manifest_start": "began to download the manifest",
    "download_manifest_complete": "downloaded the manifest's files",
    "download_zip_start": "began to download the zip",
    "download_zip_complete": "downloaded the zip",
    "app_moved_to_foreground": "the app was opened",
    "app_moved_to_background": "the app was left",
    "app_launch_start": "the app began to start",
    "app_launch_ready": "the app was ready",
    "app_launch_timeout": "the app was not ready in time",
    "app_memory_warning": "the system warned of low memory",
    "app_nav": "moved to another page of the app",
    "os_version_changed": "the operating system was updated",
    "native_app_version_changed": "the native app was updated from the store",
    "setChannel": "joined a channel by itself",
    "getChannel": "asked which channel it is on",
    "noNew": "there was nothing newer",
    "needPlanUpgrade": "no update: the organization's plan is used up",
    "missingBundle": "no update: the channel's bundle has no content",
    "NoChannelOrOverride": "no update: no default channel, and the device is not pinned",
    "cannotUpdateViaPrivateChannel": "no update: the channel is private and devices may not join it",
    "channelMisconfigured": "no update: the channel wants a min_update_version, and the bundle has none",
    "disablePlatformIos": "no update: the channel does not serve iOS",
    "disablePlatformAndroid": "no update: the channel does not serve Android",
    "disablePlatformElectron": "no update: the channel does not serve Electron",
    "disableAutoUpdate": "no update: the channel's update rule forbids it",
    "disableAutoUpdateToMajor": "no update: the channel blocks major updates over the native build",
    "disableAutoUpdateToMinor": "no update: the channel blocks minor updates over the native build",
    "disableAutoUpdateToPatch": "no update: the channel blocks patch updates over the native build",
    "disableAutoUpdateMetadata": "no update: the native build is older than the bundle's min_update_version",
    "disableAutoUpdateUnderNative": "no update: the bundle is older than the native build",
    "version_below_native": "no update: the bundle is older than the native build",
    "disableDevBuild": "no update: the channel serves no development builds",
    "disableProdBuild": "no update: the channel serves no production builds",
    "disableDevice": "no update: the channel serves no physical devices",
    "disableEmulator": "no update: the channel serves no emulators",
    "keyMismatch": "no update: the bundle is encrypted for another key than the device has",
    "checksum_required": "no update: the bundle has no checksum",
    "signature_fail": "the bundle's signature is wrong",
    "customIdBlocked": "sent a custom id, which the app does not accept",
    "rateLimited": "asked too often and was refused",
    "rate_limit_reached": "asked too often and was refused",
    "InvalidIp": "asked from a data center, which does not count as a device",
}
"""Every known code in words, the device or the app being the subject; devices of newer plugins may report others."""
