/**
 * {@code sluice validate}: manifests checked without a mesh.
 *
 * <p>Start reading at {@link io.sluice.cli.validate.ValidateCommand}.
 */
@NullMarked
package io.sluice.cli.validate;

import org.jspecify.annotations.NullMarked;
