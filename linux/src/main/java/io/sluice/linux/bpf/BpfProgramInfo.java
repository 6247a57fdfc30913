package io.sluice.linux.bpf;

/**
 * What the kernel knows about a program.
 *
 * @param name first 15 characters of the function's name
 * @param type {@code enum bpf_prog_type}
 * @param tag hash of the instructions, 16 hexadecimal digits
 * @param runCount runs counted; 0 unless {@code kernel.bpf_stats_enabled} is set
 * @param runTimeNanos time spent in them, likewise
 */
public record BpfProgramInfo(
    int id, String name, int type, String tag, long runCount, long runTimeNanos) {}
