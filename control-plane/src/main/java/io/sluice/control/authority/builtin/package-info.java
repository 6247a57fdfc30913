/**
 * The authority that needs nothing but a directory: root and intermediate, their keys on disk, and
 * the two-step change of the root.
 *
 * <p>Start reading at {@link io.sluice.control.authority.builtin.BuiltInAuthority}.
 */
@NullMarked
package io.sluice.control.authority.builtin;

import org.jspecify.annotations.NullMarked;
