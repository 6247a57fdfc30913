/**
 * From settings to a running authority: the one place that knows every implementation.
 *
 * <p>Start reading at {@link io.sluice.control.authority.settings.Authorities}.
 */
@NullMarked
package io.sluice.control.authority.settings;

import org.jspecify.annotations.NullMarked;
