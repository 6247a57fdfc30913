/**
 * The one function that says what happens to a flow, and the vocabulary of its answers.
 *
 * <p>Pure: the same snapshot and flow give the same verdict in the proxy, in {@code sluice why},
 * and in the tests that compare the kernel programs with it. Start reading at {@link
 * io.sluice.mesh.decision.Decisions}.
 */
@NullMarked
package io.sluice.mesh.decision;

import org.jspecify.annotations.NullMarked;
