/*
 * number.h
 *		What counts as a number in a text.
 */
#ifndef LEADCRM_NUMBER_H
#define LEADCRM_NUMBER_H

extern bool leadcrm_text_is_number(const char *text, int length, double *number);

#endif							/* LEADCRM_NUMBER_H */
