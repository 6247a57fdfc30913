package io.sluice.interception.maps;

/**
 * One map in the catalogue.
 *
 * @param name as pinned
 * @param holds what an entry is, in a few words
 * @param entries present; -1 when the kernel does not let this kind of map be walked
 * @param capacity most entries it can have; 0 when unbounded
 * @param id kernel's id, as other tools show it
 */
public record MapSummary(String name, String holds, int entries, int capacity, int id) {}
