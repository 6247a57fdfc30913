/**
 * The trust domain of the mesh, and how it changes while everybody goes on.
 *
 * <p>Knows no kind of authority. Start reading at {@link
 * io.sluice.control.authority.domain.ChangingDomain}.
 */
@NullMarked
package io.sluice.control.authority.domain;

import org.jspecify.annotations.NullMarked;
