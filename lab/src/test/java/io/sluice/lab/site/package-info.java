/** Tests of what reads the records of a site. */
@NullMarked
package io.sluice.lab.site;

import org.jspecify.annotations.NullMarked;
