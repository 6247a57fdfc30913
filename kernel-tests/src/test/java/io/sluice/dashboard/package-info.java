/**
 * The page of a node in a real browser, before a daemon that is not real or, elsewhere, one that
 * is.
 */
@NullMarked
package io.sluice.dashboard;

import org.jspecify.annotations.NullMarked;
