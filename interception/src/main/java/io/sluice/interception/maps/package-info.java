/**
 * The interception maps as Java records, one codec per C struct of {@code sluice_maps.h}, and the
 * catalogue of pinned maps that the debug commands dump.
 *
 * <p>Knows layouts and names, not when an entry is written. Start reading at {@link
 * io.sluice.interception.maps.SluiceMaps}.
 */
@NullMarked
package io.sluice.interception.maps;

import org.jspecify.annotations.NullMarked;
