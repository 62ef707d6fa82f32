/*
 * logistic.h
 *		Penalised logistic regression over rows of codes. Pure: no PostgreSQL here.
 */
#ifndef LEADCRM_LOGISTIC_H
#define LEADCRM_LOGISTIC_H

#include <stdbool.h>
#include <stdint.h>

/* What the caller lends: memory that is never given back here, and a moment now and then to be interrupted. */
typedef struct LeadcrmLearnEnv
{
	void	   *(*allocate) (size_t size);
	void		(*breathe) (void);	/* NULL: not needed */
} LeadcrmLearnEnv;

/*
 * One row is as many columns as there are features; each stands for a 1 in the design matrix, beside the intercept, column 0.
 * Within a row columns ascend and none comes twice. Column 0 itself is not written down.
 */
typedef struct LeadcrmDesign
{
	int			rows;
	int			features;		/* columns written down for each row */
	int			columns;		/* of the matrix, the intercept included */
	const uint16_t *column;		/* rows * features */
	const bool *outcome;		/* rows */
	const bool *follows;		/* columns: is this one the next range after the column before it? */
} LeadcrmDesign;

/* Which rows take part: those whose number modulo folds differs from left_out; folds 0: all. */
typedef struct LeadcrmPart
{
	int			folds;
	int			left_out;
} LeadcrmPart;

extern bool leadcrm_logistic_fit(const LeadcrmLearnEnv *env, const LeadcrmDesign *design, LeadcrmPart part,
								 double ridge, double smooth, double small_step, double *weight);
extern bool leadcrm_logistic_covariance(const LeadcrmLearnEnv *env, const LeadcrmDesign *design, LeadcrmPart part,
										double ridge, double smooth, const double *weight, double *covariance);
extern double leadcrm_logistic_deviance(const LeadcrmDesign *design, LeadcrmPart part, const double *weight);
extern double leadcrm_logistic_score(const LeadcrmDesign *design, int row, const double *weight);
extern double leadcrm_logistic_gradient(const LeadcrmDesign *design, LeadcrmPart part, double ridge, double smooth,
										const double *weight, double *gradient);
extern double leadcrm_sigmoid(double z);

#endif							/* LEADCRM_LOGISTIC_H */
