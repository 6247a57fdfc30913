/**
 * BPF objects, maps, programs and links.
 *
 * <p>libbpf (by JNA) opens, loads and pins; bpf(2) (by Panama) does everything that runs often. The
 * class that made a descriptor closes it: closing an object leaves the maps and programs taken from
 * it usable. Start at {@link io.sluice.linux.bpf.BpfObject} and {@link io.sluice.linux.bpf.BpfMap}.
 */
@NullMarked
package io.sluice.linux.bpf;

import org.jspecify.annotations.NullMarked;
