/**
 * The client that container runtimes start for each pod, as bytes for every architecture that it is
 * built for.
 *
 * <p>Does not install or run anything. The C sources are in {@code src/client}; what the client
 * does is told there by {@code sluice_cni.c}, what it says to the node daemon by {@code
 * exchange.h}.
 */
@NullMarked
package io.sluice.cni;

import org.jspecify.annotations.NullMarked;
