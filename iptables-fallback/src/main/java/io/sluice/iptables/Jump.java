package io.sluice.iptables;

/**
 * The way from a built-in chain into an own one; always at the top of the built-in chain.
 *
 * @param table of both chains
 * @param builtIn such as OUTPUT
 * @param specification matches and target
 */
record Jump(Rule.Table table, String builtIn, String specification) {}
