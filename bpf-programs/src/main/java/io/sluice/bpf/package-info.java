/**
 * The compiled interception programs as bytes, with the names and attach points that the C sources
 * give them.
 *
 * <p>Does not load anything: that is the business of whoever runs on a node. Start reading at
 * {@link io.sluice.bpf.InterceptionProgram}; the C sources and the map layouts are in {@code src}.
 */
@NullMarked
package io.sluice.bpf;

import org.jspecify.annotations.NullMarked;
