package io.sluice.interception.maps;

import io.sluice.linux.bpf.BpfMapFd;
import java.util.function.Function;
import java.util.function.ToIntFunction;

/**
 * One map of the catalogue.
 *
 * @param name as pinned
 * @param holds what an entry is, in a few words
 * @param counter entries present; -1 when the kernel does not let this kind of map be walked
 * @param printer the entries as a table
 */
record MapTable(
    String name,
    String holds,
    ToIntFunction<BpfMapFd> counter,
    Function<BpfMapFd, MapDump> printer) {}
