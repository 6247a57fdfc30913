/**
 * {@code sluice demo}: a small shop in network namespaces, the real daemon as a process of its own,
 * real traffic, and a report of what was seen.
 *
 * <p>Everything it makes is named after the demo's node and lies in namespaces of its own; the
 * host's network is never touched. Start reading at {@link io.sluice.lab.demo.DemoCommand}, then
 * {@code DemoRun}.
 */
@NullMarked
package io.sluice.lab.demo;

import org.jspecify.annotations.NullMarked;
