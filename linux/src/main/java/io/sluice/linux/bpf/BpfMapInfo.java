package io.sluice.linux.bpf;

/**
 * What the kernel knows about a map.
 *
 * @param type {@code enum bpf_map_type}, see {@link MapType}
 * @param keySize bytes
 * @param valueSize bytes; of one CPU's value in per-CPU maps
 * @param flags {@code BPF_F_*} given when the map was made
 */
public record BpfMapInfo(
    int id, String name, int type, int keySize, int valueSize, int maxEntries, int flags) {}
