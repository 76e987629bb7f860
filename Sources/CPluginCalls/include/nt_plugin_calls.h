// The C edge of the plugin host: calls of plugins' functions in the shapes of their API version, and the exported functions whose
// behaviour depends on who calls. Everything here is called by PluginHost.
#ifndef NT_PLUGIN_CALLS_H
#define NT_PLUGIN_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A function of a plugin that is about to be called, and how its call ended.
typedef struct nt_plugin_callee {
    const void *function;
    void *userdata;
    uint64_t id;
    /// API version that the plugin declared.
    int version;
    /// qemu_plugin_set_pc is allowed in this call.
    bool may_set_pc;
    /// The call ended by qemu_plugin_set_pc, with this address.
    bool has_set_pc;
    uint64_t pc;
} nt_plugin_callee;

// One function for each kind of callback. The plugin's function may end by qemu_plugin_set_pc, which unwinds to here, over the
// plugin's own frames only.

/// flush, and the end of reset and uninstall.
void nt_plugin_call_simple(nt_plugin_callee *callee);
/// atexit.
void nt_plugin_call_data(nt_plugin_callee *callee);
/// init, exit, idle, resume, for_each.
void nt_plugin_call_vcpu(nt_plugin_callee *callee, unsigned vcpu);
void nt_plugin_call_tb(nt_plugin_callee *callee, const void *tb);
/// `arguments`: X0 to X5; the interface has eight.
void nt_plugin_call_syscall(nt_plugin_callee *callee, unsigned vcpu, int64_t number, const uint64_t *arguments);
/// Returns whether the plugin answers the call, with *result.
bool nt_plugin_call_filter(nt_plugin_callee *callee, unsigned vcpu, int64_t number, const uint64_t *arguments,
                           uint64_t *result);
void nt_plugin_call_return(nt_plugin_callee *callee, unsigned vcpu, int64_t number, int64_t result);
void nt_plugin_call_discon(nt_plugin_callee *callee, unsigned vcpu, int type, uint64_t from, uint64_t to);
/// qemu_plugin_install; `info` is a qemu_info_t.
int nt_plugin_call_install(nt_plugin_callee *callee, const void *info, int argc, char **argv);

/// Notes a loaded plugin by any address in its library. Calls of the next two must not overlap.
/// Returns what to give to nt_plugin_forget.
int nt_plugin_note(const void *address, int version);
void nt_plugin_forget(int plugin);

/// API version of the plugin whose code `return_address` is; when that is unknown, of the plugin whose callback this thread runs.
int nt_plugin_version_of_caller(const void *return_address);

#endif
